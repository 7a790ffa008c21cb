package servers

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// reachWithin is longer than a host takes for a server that answers nothing.
const reachWithin = 40 * time.Second

// Reach goes the way from a server to its players and returns what it found, up
// to the first thing that keeps everybody out. It takes some seconds. Errors:
// left4me.NotFound, left4me.Unavailable.
func (s *Servers) Reach(ctx context.Context, name left4me.Name) ([]left4me.Check, error) {
	v, err := s.storage.Servers().Get(ctx, name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	var checks []left4me.Check
	err = s.bus.Request(ctx, bus.Command(v.Host, bus.VerbReach), bus.ReachRequest{V: bus.Version, Server: v.OnHost()}, &checks)
	return checks, err
}
