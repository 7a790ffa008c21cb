package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Reports accesses the table host_report, which holds the last reports of hosts.
type Reports struct{ db *Store }

// Reports returns access to reports; the value may be copied.
func (s *Store) Reports() Reports { return Reports{s} }

// Report is one fact reported by a host.
type Report struct {
	Host  left4me.Name
	Noun  string       // "server": its state; "overlay": its revision; "game": its build
	Name  left4me.Name // name of the server, or name of the overlay on its host
	Value string
}

// kind returns the event kind and target for a changed value.
func (r Report) kind() (left4me.EventKind, left4me.Target) {
	switch r.Noun {
	case "server":
		return left4me.ServerStateChanged, left4me.OnServer(r.Name)
	case "overlay":
		return left4me.OverlayRevision, left4me.OnOverlay(r.Name)
	}
	return left4me.GameChanged, left4me.OnHost(r.Host)
}

// Set saves reports in one transaction. Each changed value writes an event by its host. A report
// about an unknown server is ignored, because the server was deleted in the meantime.
func (s Reports) Set(ctx context.Context, all []Report) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		for _, r := range all {
			if err := setReport(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep reports of hosts: %w", err)
	}
	return nil
}

func setReport(ctx context.Context, tx *transaction, r Report) error {
	if r.Noun == "overlay" {
		name, err := overlayOnHost(ctx, tx, r.Name)
		if err != nil || name == "" {
			return err
		}
		r.Name = name
	}
	kind, on := r.kind()
	on, err := tx.identify(ctx, on)
	if err != nil || on.Kind == left4me.ServerTarget && on.ID == "" {
		return err
	}
	// The previous value must not come from an earlier object of the same name.
	var from string
	err = tx.QueryRowContext(ctx, `SELECT value FROM host_report WHERE host = ? AND noun = ? AND name = ? AND target_id = ?`,
		r.Host, r.Noun, r.Name, on.ID).Scan(&from)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if from == r.Value {
		return nil
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO host_report(host, noun, name, target_id, value, at) VALUES (?,?,?,?,?,?)
		ON CONFLICT DO UPDATE SET target_id = excluded.target_id, value = excluded.value, at = excluded.at`,
		r.Host, r.Noun, r.Name, on.ID, r.Value, millis(time.Now()))
	if err != nil {
		return err
	}
	return tx.eventBy(ctx, left4me.ByHost(r.Host), kind, on,
		left4me.ReportEvent{Host: r.Host, From: from, To: r.Value})
}
