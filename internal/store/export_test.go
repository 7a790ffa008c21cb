package store

import (
	"context"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// Size returns the size of the database in bytes.
func (s *Store) Size(tb testing.TB) (n int64) {
	tb.Helper()
	if err := s.read.QueryRowContext(tb.Context(),
		`SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`).Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

// WriteEvents makes a small change with n events.
func (s *Store) WriteEvents(ctx context.Context, n int) error {
	return s.tx(ctx, func(tx *transaction) error {
		if _, err := tx.ExecContext(ctx, `UPDATE site SET names = 'cp932'`); err != nil {
			return err
		}
		for range n {
			err := tx.event(ctx, left4me.JobEnded, left4me.OnServer("alpha"),
				left4me.JobEvent{Job: "06gf8k2v00001000000000000", Kind: left4me.RestartServer, Host: "local", State: left4me.JobDone})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
