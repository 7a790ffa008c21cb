package servers

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Arrive is what follows when an agent says that it has started.
func (s *Servers) Arrive(ctx context.Context, host left4me.Name, boot string) {
	autostarts{s}.arrive(ctx, host, boot)
}

// RenamedWithin is for tests that don't want to wait for seconds.
func (s *Servers) RenamedWithin(d time.Duration) { s.renamedWithin = d }

// LearnNames learns what people and hosts call servers, as it does after each event, from what
// read reads.
func (s *Servers) LearnNames(read func() ([]left4me.Server, error)) error {
	return s.status.relearn(read)
}
