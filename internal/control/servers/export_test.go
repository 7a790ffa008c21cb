package servers

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Arrive simulates the start of a host's agent.
func (s *Servers) Arrive(ctx context.Context, host left4me.Name, boot string) {
	autostarts{s}.arrive(ctx, host, boot)
}

// RenamedWithin shortens the wait for a rename on the host, for tests.
func (s *Servers) RenamedWithin(d time.Duration) { s.renamedWithin = d }

// LearnNames updates the names of servers from the rows that read returns, as happens after changes
// of the rows.
func (s *Servers) LearnNames(read func() ([]left4me.Server, error)) error {
	return s.status.relearn(read)
}
