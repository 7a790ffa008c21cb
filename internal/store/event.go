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

// Events accesses the tables event and event_reader.
type Events struct{ db *Store }

// Events returns access to events; the value may be copied.
func (s *Store) Events() Events { return Events{s} }

// event writes an event in the transaction of its change, and is the only way to write one. data is
// a struct of package left4me, or nil.
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

// writeEvent is like eventBy, but doesn't look up target and actor by name, because their names may
// belong to others now.
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

// identify returns a target with the id of the object that has its name now, unless it has an id.
// An object must be identified before the event that removes it.
func (t *transaction) identify(ctx context.Context, on left4me.Target) (left4me.Target, error) {
	return identify(ctx, t.QueryRowContext, on)
}

// actorID returns the id of an actor, and looks it up by name if by has none.
func (t *transaction) actorID(ctx context.Context, by left4me.Actor) (left4me.ID, error) {
	if by.ID != "" || by.Kind != left4me.UserActor && by.Kind != left4me.TokenActor {
		return by.ID, nil
	}
	who, err := t.identify(ctx, left4me.OnUser(by.String())) // for a token: its owner
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

// After returns the events after a position, oldest first, at most limit.
func (s Events) After(ctx context.Context, position int64, limit int) ([]left4me.Event, error) {
	all, err := list(ctx, s.db, scanEvent, `SELECT `+eventColumns+` FROM event WHERE position > ? ORDER BY position LIMIT ?`, position,
		limit)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return all, nil
}

// Listen returns a channel that receives a value after each commit with events, until ctx ends.
// Commits while the listener is busy are coalesced.
func (s Events) Listen(ctx context.Context) <-chan struct{} { return s.db.Listen(ctx, "event") }

// Position returns the position of a reader. A new reader is registered at 0, before the oldest
// event, and from then on no event is removed that it hasn't read.
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

// inTransaction is the context key that marks calls within a transaction.
type inTransaction struct{}

// Advance moves a reader from one position to a later one. keep, which may be nil, writes through
// the given view; its changes and the position are committed together or not at all. keep must not
// use any other store: that returns an error instead of deadlocking. Errors: left4me.Conflict if
// the reader is not at from.
func (s Events) Advance(ctx context.Context, reader string, from, to int64, keep func(context.Context, *Store) error) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		if keep != nil {
			inside := &Store{core: s.db.core, by: s.db.by, inside: tx}
			if err := keep(context.WithValue(ctx, inTransaction{}, true), inside); err != nil {
				return err
			}
		}
		r, err := tx.ExecContext(ctx, `UPDATE event_reader SET position = ? WHERE name = ? AND position = ?`, to, reader, from)
		if n, err := rowsAffected(r, err); err != nil || n == 1 {
			return err
		}
		return left4me.NewError(left4me.Conflict, "event.reader_moved", "reader", reader, "position", from)
	})
	if err != nil {
		return fmt.Errorf("advance %s: %w", reader, err)
	}
	return nil
}

// KeepReaders sets the list of readers. Events are kept for these only; the positions of other
// readers are deleted.
func (s Events) KeepReaders(ctx context.Context, names []string) error {
	text, err := toJSON(append([]string{}, names...)) // [] instead of null
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

// pruneBatch is the number of events removed per transaction, so that other changes don't wait
// long.
const pruneBatch = 2000

// Prune removes the oldest events, as far as they exceed the newest most or are older than before,
// but never an event that a reader has not read. Only the oldest events are removed: a kept event
// keeps all later ones. Prune returns the number of removed events.
func (s Events) Prune(ctx context.Context, most int64, before time.Time) (n int, err error) {
	for {
		pruned := 0
		err = s.db.tx(ctx, func(tx *transaction) error {
			pruned = 0
			var to sql.NullInt64
			// The position before the oldest event to keep, or the last one in this batch.
			err := tx.QueryRowContext(ctx, `WITH bound(read, excess) AS (SELECT
					coalesce((SELECT min(position) FROM event_reader), 9223372036854775807),
					coalesce((SELECT max(position) FROM event), 0) - ?1),
				oldest AS (SELECT position, position <= read AND (position <= excess OR at < ?2) AS goes
					FROM event, bound ORDER BY position LIMIT ?3)
				SELECT coalesce((SELECT min(position) - 1 FROM oldest WHERE NOT goes), (SELECT max(position) FROM oldest))`,
				most, millis(before), pruneBatch).Scan(&to)
			if err != nil || !to.Valid {
				return err
			}
			pruned, err = rowsAffected(tx.ExecContext(ctx, `DELETE FROM event WHERE position <= ?`, to.Int64))
			return err
		})
		n += pruned
		if err != nil {
			return n, fmt.Errorf("remove old events: %w", err)
		}
		if pruned < pruneBatch {
			return n, nil
		}
	}
}
