package servers

import (
	"context"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// reachWithin exceeds the time that a host needs for a server that doesn't answer.
const reachWithin = 40 * time.Second

// Reach checks the connectivity of a server, stopping at the first problem that keeps all players
// out. The results use current names of servers. It takes several seconds. Errors:
// left4me.NotFound, left4me.Unavailable.
func (s *Servers) Reach(ctx context.Context, name left4me.Name) ([]left4me.Check, error) {
	return ReachFor(ctx, s, accounts.Actor{}, name)
}

// ReachFor is like s.Reach, but omits names that the actor may not see. The results repeat the reason of
// the server's state, which may contain such names.
func ReachFor(ctx context.Context, s *Servers, who accounts.Actor, name left4me.Name) ([]left4me.Check, error) {
	v, err := s.storage.Servers().Get(ctx, name)
	if err != nil {
		return nil, err
	}
	address, err := s.storage.Site().Address(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	before := s.status.get(v)
	var checks []left4me.Check
	err = s.bus.Request(ctx, bus.Command(v.Host, bus.VerbReach), bus.ReachRequest{
		V: bus.Version, Server: v.OnHost(), Shown: v.Name, Address: address,
	}, &checks)
	if err != nil {
		return nil, s.Names().shown(ctx, v.Host, err)
	}
	for i, c := range checks {
		checks[i] = c.WithErrors(func(e *left4me.Error) *left4me.Error {
			if shown, ok := left4me.Public(s.Names().shown(ctx, v.Host, e)); ok {
				return accounts.ConcealIn(who, v.Target(), shown)
			}
			return e
		})
	}
	for _, st := range []left4me.Status{before, s.status.get(v)} {
		if st.Why == nil {
			continue
		}
		if shown, ok := left4me.Public(s.Names().shown(ctx, v.Host, st.Why)); ok {
			checks = showReason(checks, st, accounts.ConcealIn(who, v.Target(), shown))
		}
	}
	return checks, nil
}

// showReason replaces the host's text of an error with that of shown, because the host's text
// contains its own names of servers, in the checks whose texts this build did not make: their
// arguments may lack the error.
func showReason(checks []left4me.Check, said left4me.Status, shown *left4me.Error) []left4me.Check {
	for _, text := range []string{said.Reason, said.Why.Said()} {
		if text == "" || text == shown.Said() {
			continue
		}
		for i := range checks {
			if checks[i].Worded() {
				continue
			}
			checks[i].Text = strings.ReplaceAll(checks[i].Text, text, shown.Said())
		}
	}
	return checks
}
