package store

import (
	"context"
	"database/sql"
	"fmt"
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
	Reason    string // why it ended
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
	Reason string        `json:"reason,omitempty"`
	// Why is the error behind Reason; nil if there is none or the row predates Why.
	Why *left4me.Error `json:"why,omitempty"`
}

// Same reports whether two moves are equal.
func (m Move) Same(o Move) bool {
	m.Why, o.Why = nil, nil // Reason has the same text
	return m == o
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
	)
	err := r.Scan(&v.Host, &v.Mode, &v.Job, &v.Build, &v.State, &v.Reason, &by.name, &by.id, &by.kind, &by.token, &created,
		&begun, &ended, &moves)
	if err != nil {
		return v, err
	}
	v.By = by.actor()
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
			v.Host, v.Mode, v.Job, v.Build, v.State, v.Reason, by.name, by.id, by.kind, by.token, millis(v.CreatedAt),
			millisOrNull(v.BegunAt), millisOrNull(v.EndedAt), moves)
		if err != nil {
			return err
		}
		return tx.eventBy(ctx, v.By, left4me.GameRollout, left4me.OnHost(v.Host),
			left4me.RolloutEvent{Host: v.Host, Build: v.Build, State: v.State, Reason: v.Reason, Servers: moveStates(now)})
	})
	if err != nil {
		return fmt.Errorf("keep rollout on %s: %w", v.Host, err)
	}
	return nil
}
