package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

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
	Reason    string // why it ended
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
	)
	if err := r.Scan(&v.Overlay, &v.Revision, &v.Mode, &v.State, &v.Reason, &created, &ended, &moves); err != nil {
		return v, err
	}
	v.CreatedAt, v.EndedAt = fromMillis(created), fromNull(ended)
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
			v.Overlay, v.Revision, v.Mode, v.State, v.Reason, millis(v.CreatedAt), millisOrNull(v.EndedAt), moves))
		if err != nil || n == 0 {
			return err
		}
		return tx.event(ctx, left4me.OverlayRollout, left4me.OnOverlay(v.Overlay),
			left4me.RolloutEvent{Revision: v.Revision, State: v.State, Reason: v.Reason, Servers: moveStates(v.Moves)})
	})
	if err != nil {
		return fmt.Errorf("keep restarts for %s: %w", v.Overlay, err)
	}
	return nil
}
