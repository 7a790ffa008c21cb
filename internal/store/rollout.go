package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Rollout is the rollout of a game build to the servers of a host.
type Rollout struct {
	Host      left4me.Name
	Mode      string        // now, empty or HH:MM
	Job       left4me.JobID // job on the game whose end starts the rollout
	Build     int64         // target build; 0 before the rollout has started
	State     string
	Reason    left4me.Note // why it ended
	By        left4me.Actor
	CreatedAt time.Time
	BegunAt   time.Time // when the rollout started
	EndedAt   time.Time
	Moves     []Move
}

// Move is the restart of one server in a rollout.
type Move struct {
	Server left4me.Name  `json:"server"`
	Job    left4me.JobID `json:"job"` // restart job
	State  string        `json:"state"`
	Reason left4me.Note  `json:"reason,omitzero"`
}

// UnmarshalJSON decodes a move. Earlier builds stored the error behind the reason separately.
func (m *Move) UnmarshalJSON(data []byte) error {
	type plain Move // without this method
	v := struct {
		plain
		Why *left4me.Error `json:"why"`
	}{}
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*m = Move(v.plain)
	if v.Why != nil {
		m.Reason = left4me.NewNote("rollout.restart_failed_because", "error", v.Why)
	}
	return nil
}

// Same reports whether two moves are equal.
func (m Move) Same(o Move) bool {
	return m.Server == o.Server && m.Job == o.Job && m.State == o.State && m.Reason.Same(o.Reason)
}

// moveStates returns the state of each server.
func moveStates(all []Move) map[left4me.Name]string {
	states := make(map[left4me.Name]string, len(all))
	for _, m := range all {
		states[m.Server] = m.State
	}
	return states
}

const rolloutColumns = `host, mode, job, build, state, reason, ` + requesterColumns + `, created_at, begun_at, ended_at, moves`

func scanRollout(r row) (Rollout, error) {
	var (
		v            Rollout
		created      int64
		begun, ended sql.NullInt64
		moves        string
		by           requester
		reason       string
	)
	err := r.Scan(&v.Host, &v.Mode, &v.Job, &v.Build, &v.State, &reason, &by.name, &by.id, &by.kind, &by.token, &created,
		&begun, &ended, &moves)
	if err != nil {
		return v, err
	}
	v.By, v.Reason = by.actor(), noteFrom(reason)
	v.CreatedAt, v.BegunAt, v.EndedAt = fromMillis(created), fromNull(begun), fromNull(ended)
	return v, fromJSON(moves, &v.Moves)
}

// Rollout returns the newest rollout of a host, active or ended. Errors: left4me.NotFound if there
// is none.
func (s Game) Rollout(ctx context.Context, host left4me.Name) (Rollout, error) {
	return one(s.db.row(ctx, `SELECT `+rolloutColumns+` FROM rollout WHERE host = ?`, host), scanRollout, "rollout on",
		host)
}

// SetRollout replaces the rollout of a host.
func (s Game) SetRollout(ctx context.Context, v Rollout) error {
	if v.Moves == nil {
		v.Moves = []Move{}
	}
	by := requesterOf(v.By)
	err := s.db.tx(ctx, func(tx *transaction) error {
		now, err := followMoves(ctx, tx, v.Moves)
		if err != nil {
			return err
		}
		moves, err := toJSON(now)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO rollout(`+rolloutColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
			v.Host, v.Mode, v.Job, v.Build, v.State, noteText(v.Reason), by.name, by.id, by.kind, by.token, millis(v.CreatedAt),
			millisOrNull(v.BegunAt), millisOrNull(v.EndedAt), moves)
		if err != nil {
			return err
		}
		return tx.eventBy(ctx, v.By, left4me.GameRollout, left4me.OnHost(v.Host),
			left4me.RolloutEvent{Host: v.Host, Build: v.Build, State: v.State, Reason: v.Reason.Text, Servers: moveStates(now)})
	})
	if err != nil {
		return fmt.Errorf("keep rollout on %s: %w", v.Host, err)
	}
	return nil
}

// OverlayRestarts accesses the table content_restart.
type OverlayRestarts struct{ db *Store }

// OverlayRestarts returns access to rollouts of revisions; the value may be copied.
func (s *Store) OverlayRestarts() OverlayRestarts { return OverlayRestarts{s} }

// OverlayRestart is the rollout of a scheduled revision of an overlay.
type OverlayRestart struct {
	Overlay   left4me.Name
	Revision  int
	Mode      string // empty or HH:MM
	State     string
	Reason    left4me.Note // why it ended
	CreatedAt time.Time
	EndedAt   time.Time
	Moves     []Move
}

const restartColumns = `overlay, revision, mode, state, reason, created_at, ended_at, moves`

func scanRestart(r row) (OverlayRestart, error) {
	var (
		v       OverlayRestart
		created int64
		ended   sql.NullInt64
		moves   string
		reason  string
	)
	if err := r.Scan(&v.Overlay, &v.Revision, &v.Mode, &v.State, &reason, &created, &ended, &moves); err != nil {
		return v, err
	}
	v.CreatedAt, v.EndedAt, v.Reason = fromMillis(created), fromNull(ended), noteFrom(reason)
	return v, fromJSON(moves, &v.Moves)
}

// List returns the newest rollout of each overlay, active or ended, oldest first.
func (s OverlayRestarts) List(ctx context.Context) ([]OverlayRestart, error) {
	all, err := list(ctx, s.db, scanRestart, `SELECT `+restartColumns+` FROM content_restart ORDER BY created_at, overlay`)
	if err != nil {
		return nil, fmt.Errorf("list restarts for content: %w", err)
	}
	return all, nil
}

// Set replaces the rollout of an overlay. It does nothing if the overlay no longer exists.
func (s OverlayRestarts) Set(ctx context.Context, v OverlayRestart) error {
	if v.Moves == nil {
		v.Moves = []Move{}
	}
	asked := v.Moves
	err := s.db.tx(ctx, func(tx *transaction) (err error) {
		if v.Moves, err = followMoves(ctx, tx, asked); err != nil {
			return err
		}
		moves, err := toJSON(v.Moves)
		if err != nil {
			return err
		}
		have, err := one(tx.QueryRowContext(ctx, `SELECT `+restartColumns+` FROM content_restart WHERE overlay = ?`, v.Overlay),
			scanRestart, "restart for", v.Overlay)
		if err != nil && !errors.Is(err, left4me.NotFound) {
			return err
		}
		if err == nil && have.Revision == v.Revision && have.State == v.State && have.CreatedAt.Equal(v.CreatedAt) &&
			slices.EqualFunc(have.Moves, v.Moves, Move.Same) {
			return nil
		}
		n, err := rowsAffected(tx.ExecContext(ctx, `INSERT OR REPLACE INTO content_restart(`+restartColumns+`)
			SELECT ?,?,?,?,?,?,?,? WHERE EXISTS (SELECT 1 FROM overlay WHERE name = ?1)`,
			v.Overlay, v.Revision, v.Mode, v.State, noteText(v.Reason), millis(v.CreatedAt), millisOrNull(v.EndedAt), moves))
		if err != nil || n == 0 {
			return err
		}
		return tx.event(ctx, left4me.OverlayRollout, left4me.OnOverlay(v.Overlay),
			left4me.RolloutEvent{Revision: v.Revision, State: v.State, Reason: v.Reason.Text, Servers: moveStates(v.Moves)})
	})
	if err != nil {
		return fmt.Errorf("keep restarts for %s: %w", v.Overlay, err)
	}
	return nil
}
