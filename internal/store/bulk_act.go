package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// BulkActs accesses the table bulk_act. Its changes write no events, because the jobs do.
type BulkActs struct{ db *Store }

// BulkActs returns access to bulk actions; the value may be copied.
func (s *Store) BulkActs() BulkActs { return BulkActs{s} }

// BulkRunning is the state of a bulk action that has not ended.
const BulkRunning = "running"

// BulkAct is a start, stop or restart of several servers.
type BulkAct struct {
	ID          string
	Kind        left4me.JobKind
	Mode        string // now, empty or one-by-one
	State       string
	CancelledBy string // displayed name of the user who cancelled the bulk action, or empty
	By          left4me.Actor
	RequestID   string
	CreatedAt   time.Time
	EndedAt     time.Time
	Servers     []BulkServer // servers in processing order
}

// BulkServer is a server of a bulk action. Its id identifies it; Name is the name at the request.
type BulkServer struct {
	ID    left4me.ID     `json:"id"`
	Name  left4me.Name   `json:"name"`
	PID   int            `json:"pid,omitempty"` // process at the request; 0 if none or unknown
	Job   left4me.JobID  `json:"job,omitempty"`
	State string         `json:"state,omitempty"` // empty: not started
	Why   *left4me.Error `json:"why,omitempty"`   // reason why the server failed or was skipped
}

// maxBulkActs is the number of ended bulk actions that are kept.
const maxBulkActs = 100

const bulkColumns = `id, kind, mode, state, cancelled_by, ` + requesterColumns + `, request_id, created_at, ended_at, servers`

func scanBulkAct(r row) (BulkAct, error) {
	var (
		v       BulkAct
		by      requester
		created int64
		ended   sql.NullInt64
		servers string
	)
	err := r.Scan(&v.ID, &v.Kind, &v.Mode, &v.State, &v.CancelledBy, &by.name, &by.id, &by.kind, &by.token, &v.RequestID, &created,
		&ended, &servers)
	if err != nil {
		return v, err
	}
	v.By, v.CreatedAt, v.EndedAt = by.actor(), fromMillis(created), fromNull(ended)
	return v, fromJSON(servers, &v.Servers)
}

// List returns all bulk actions, newest first.
func (s BulkActs) List(ctx context.Context) ([]BulkAct, error) {
	all, err := list(ctx, s.db, scanBulkAct, `SELECT `+bulkColumns+` FROM bulk_act ORDER BY id DESC`)
	if err != nil {
		return nil, fmt.Errorf("list bulk acts: %w", err)
	}
	return all, nil
}

// Open returns the bulk acts that are running or have failed, newest first.
func (s BulkActs) Open(ctx context.Context) ([]BulkAct, error) {
	all, err := list(ctx, s.db, scanBulkAct, `SELECT `+bulkColumns+` FROM bulk_act WHERE state IN ('running','failed') ORDER BY id DESC`)
	if err != nil {
		return nil, fmt.Errorf("list open bulk acts: %w", err)
	}
	return all, nil
}

// Running returns the bulk acts that have not ended, oldest first.
func (s BulkActs) Running(ctx context.Context) ([]BulkAct, error) {
	all, err := list(ctx, s.db, scanBulkAct, `SELECT `+bulkColumns+` FROM bulk_act WHERE state = 'running' ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list running bulk acts: %w", err)
	}
	return all, nil
}

// Set adds or replaces a bulk action, and removes the oldest ones that have ended.
func (s BulkActs) Set(ctx context.Context, v BulkAct) error {
	servers, err := toJSON(v.Servers)
	if err != nil {
		return err
	}
	by := requesterOf(v.By)
	err = s.db.tx(ctx, func(tx *transaction) error {
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO bulk_act(`+bulkColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`,
			v.ID, v.Kind, v.Mode, v.State, v.CancelledBy, by.name, by.id, by.kind, by.token, v.RequestID, millis(v.CreatedAt),
			millisOrNull(v.EndedAt), servers); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM bulk_act WHERE state <> 'running' AND id IN
			(SELECT id FROM bulk_act ORDER BY id DESC LIMIT -1 OFFSET ?)`, maxBulkActs)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep bulk act %s: %w", v.ID, err)
	}
	return nil
}
