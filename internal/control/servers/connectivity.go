package servers

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
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
	err = s.bus.Request(ctx, bus.Command(v.Host, bus.VerbReach), bus.ReachRequest{V: bus.Version, Server: v.OnHost(), Shown: v.Name},
		&checks)
	return checks, s.Names().shown(ctx, v.Host, err)
}

// ReachFor is s.Reach as who may read it: findings repeat why the server is in its state,
// which may name what who may not see.
func ReachFor(ctx context.Context, s *Servers, who accounts.Actor, name left4me.Name) ([]left4me.Check, error) {
	if who.Only == nil {
		return s.Reach(ctx, name)
	}
	before, err := s.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	checks, err := s.Reach(ctx, name)
	if err != nil {
		return nil, err
	}
	after, err := s.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, why := range []*left4me.Error{before.Status.Why, after.Status.Why} {
		checks = concealIn(checks, why, accounts.ConcealIn(who, after.Target(), why))
	}
	return checks, nil
}

// concealIn puts what is shown of an error into the place of what it says.
func concealIn(checks []left4me.Check, why, shown *left4me.Error) []left4me.Check {
	if why == shown {
		return checks
	}
	checks = slices.Clone(checks)
	for i := range checks {
		checks[i].Text = strings.ReplaceAll(checks[i].Text, why.Said(), shown.Said())
	}
	return checks
}
