package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Events are the tables event and event_reader.
type Events struct{ db *Store }

// Events returns them; the value may be copied.
func (s *Store) Events() Events { return Events{s} }

// event writes what has happened, in the transaction of the change: there is no
// other way to write one. data is a struct of package left4me, or nil.
func (t *transaction) event(ctx context.Context, kind left4me.EventKind, on left4me.Target, data any) error {
	return t.eventBy(ctx, t.by, kind, on, data)
}

func (t *transaction) eventBy(ctx context.Context, by left4me.Actor, kind left4me.EventKind, on left4me.Target, data any) error {
	on, err := t.identify(ctx, on)
	if err == nil {
		by.ID, err = t.actorID(ctx, by)
	}
	if err != nil {
		return err
	}
	return t.writeEvent(ctx, by, kind, on, data)
}

// writeEvent is eventBy for a target and an actor that are not looked for by their
// names: who has these now may be another.
func (t *transaction) writeEvent(ctx context.Context, by left4me.Actor, kind left4me.EventKind, on left4me.Target, data any) error {
	text := "{}"
	if data != nil {
		var err error
		if text, err = toJSON(data); err != nil {
			return fmt.Errorf("event %s: %w", kind, err)
		}
	}
	_, err := t.ExecContext(ctx,
		`INSERT INTO event(kind, target_kind, target_id, target_name, actor_kind, actor_id, actor_name, actor_owner, at, version, data)
		VALUES (?,?,?,?,?,?,?,?,?,?,?)`, kind, on.Kind, on.ID, on.Name, cmp.Or(by.Kind, left4me.SystemActor), by.ID, by.Name, by.Owner,
		millis(time.Now()), left4me.EventVersion, text)
	return err
}

// identify gives a target the id of what has its name now, unless it has one. What an
// event removes must be identified before that.
func (t *transaction) identify(ctx context.Context, on left4me.Target) (left4me.Target, error) {
	return identify(ctx, t.QueryRowContext, on)
}

// actorID is the id of who did something, found by name when by has none.
func (t *transaction) actorID(ctx context.Context, by left4me.Actor) (left4me.ID, error) {
	if by.ID != "" || by.Kind != left4me.UserActor && by.Kind != left4me.TokenActor {
		return by.ID, nil
	}
	who, err := t.identify(ctx, left4me.OnUser(by.String())) // of a token its owner
	return who.ID, err
}

const eventColumns = `position, kind, target_kind, target_id, target_name, actor_kind, actor_id, actor_name, actor_owner, at, version, data`

func scanEvent(r row) (v left4me.Event, err error) {
	var at int64
	err = r.Scan(&v.Position, &v.Kind, &v.Target.Kind, &v.Target.ID, &v.Target.Name, &v.Actor.Kind, &v.Actor.ID, &v.Actor.Name,
		&v.Actor.Owner, &at, &v.Version,
		(*[]byte)(&v.Data))
	v.At = fromMillis(at)
	return v, err
}

// After returns the events behind a position, oldest first, at most limit.
func (s Events) After(ctx context.Context, position int64, limit int) ([]left4me.Event, error) {
	all, err := list(ctx, s.db, scanEvent, `SELECT `+eventColumns+` FROM event WHERE position > ? ORDER BY position LIMIT ?`, position,
		limit)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return all, nil
}

// Listen returns a channel that receives a value after each commit with events, until
// ctx ends. Several while the listener is busy are one.
func (s Events) Listen(ctx context.Context) <-chan struct{} { return s.db.Listen(ctx, "event") }

// Position returns how far a reader has come. One that has never read anything is
// before the oldest event, 0, and from now on no event is removed that it hasn't read.
func (s Events) Position(ctx context.Context, reader string) (at int64, err error) {
	scan := func(r row) (at int64, err error) { return at, r.Scan(&at) }
	const query = `SELECT position FROM event_reader WHERE name = ?`
	at, err = one(s.db.row(ctx, query, reader), scan, "reader of events", reader)
	if errors.Is(err, left4me.NotFound) {
		err = s.db.tx(ctx, func(tx *transaction) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO event_reader(name, position) VALUES (?, 0) ON CONFLICT DO NOTHING`, reader)
			if err == nil {
				err = tx.QueryRowContext(ctx, query, reader).Scan(&at)
			}
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("position of %s: %w", reader, err)
	}
	return at, nil
}

// inTransaction marks the context of what runs inside of a transaction.
type inTransaction struct{}

// Advance moves a reader from a position to a later one, together with what keep
// writes through the view that it gets: both are kept, or neither is. keep, which may
// be nil, must not use any other store: that fails instead of waiting for ever.
// Errors: left4me.Conflict when the reader is not at from.
func (s Events) Advance(ctx context.Context, reader string, from, to int64, keep func(context.Context, *Store) error) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		if keep != nil {
			inside := &Store{core: s.db.core, by: s.db.by, inside: tx}
			if err := keep(context.WithValue(ctx, inTransaction{}, true), inside); err != nil {
				return err
			}
		}
		r, err := tx.ExecContext(ctx, `UPDATE event_reader SET position = ? WHERE name = ? AND position = ?`, to, reader, from)
		if n, err := removed(r, err); err != nil || n == 1 {
			return err
		}
		return left4me.NewError(left4me.Conflict, "event.reader_moved", "reader", reader, "position", from)
	})
	if err != nil {
		return fmt.Errorf("advance %s: %w", reader, err)
	}
	return nil
}

// KeepReaders says which readers there are: events are kept for these from now on, and
// for no others, whose positions are forgotten.
func (s Events) KeepReaders(ctx context.Context, names []string) error {
	text, err := toJSON(append([]string{}, names...)) // never null
	if err == nil {
		err = s.db.tx(ctx, func(tx *transaction) error {
			_, err := tx.ExecContext(ctx, `DELETE FROM event_reader WHERE name NOT IN (SELECT value FROM json_each(?))`, text)
			if err == nil {
				_, err = tx.ExecContext(ctx, `INSERT INTO event_reader(name, position) SELECT value, 0 FROM json_each(?) WHERE true
					ON CONFLICT DO NOTHING`, text)
			}
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("readers of events: %w", err)
	}
	return nil
}

// pruneAtOnce is how many events one transaction removes, so that no change waits
// long for it.
const pruneAtOnce = 2000

// Prune removes the oldest events: those behind the newest most, and those from before
// a moment, but none that a reader has not read. Events stay in order: one that stays
// keeps all later ones. It returns how many it removed.
func (s Events) Prune(ctx context.Context, most int64, before time.Time) (n int, err error) {
	for {
		gone := 0
		err = s.db.tx(ctx, func(tx *transaction) error {
			gone = 0
			var to sql.NullInt64
			// The oldest of them that stays, or the last one that was looked at.
			err := tx.QueryRowContext(ctx, `WITH bound(read, excess) AS (SELECT
					coalesce((SELECT min(position) FROM event_reader), 9223372036854775807),
					coalesce((SELECT max(position) FROM event), 0) - ?1),
				oldest AS (SELECT position, position <= read AND (position <= excess OR at < ?2) AS goes
					FROM event, bound ORDER BY position LIMIT ?3)
				SELECT coalesce((SELECT min(position) - 1 FROM oldest WHERE NOT goes), (SELECT max(position) FROM oldest))`,
				most, millis(before), pruneAtOnce).Scan(&to)
			if err != nil || !to.Valid {
				return err
			}
			gone, err = removed(tx.ExecContext(ctx, `DELETE FROM event WHERE position <= ?`, to.Int64))
			return err
		})
		n += gone
		if err != nil {
			return n, fmt.Errorf("remove old events: %w", err)
		}
		if gone < pruneAtOnce {
			return n, nil
		}
	}
}
