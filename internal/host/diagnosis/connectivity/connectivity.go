// Package connectivity finds out why players can't join a server, or don't see it in
// Steam's list: it goes the way that they come, from the process outwards, and
// ends at the first thing that keeps everybody out.
//
// It asks what anybody may ask, and the server itself by its remote console. It
// changes nothing. What it can't check from here it says so.
package connectivity

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/left4me/left4me/internal/host/diagnosis/firewall"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
	"github.com/left4me/left4me/source/a2s"
	"github.com/left4me/left4me/source/cvar"
	"github.com/left4me/left4me/source/status"
)

// Server is what the walk needs of a server and its host.
type Server struct {
	left4me.Status
	Wanted  int    // the port that it was made with
	Address string // under which players come, LEFT4ME_PUBLIC_ADDRESS; empty: it is found out
	Steam   Steam  // nil: Steam is not asked

	// Command runs a console command and returns its answer.
	Command func(ctx context.Context, command string) (string, error)
	// Console is what the server printed last.
	Console func(ctx context.Context) (string, error)
	// Rules are those of this machine's packet filter.
	Rules func(ctx context.Context) (firewall.Ruleset, error)
}

// Steam is what is asked of Steam's Web API.
type Steam interface {
	// Listed are the ports at which Steam knows a server of the address.
	Listed(ctx context.Context, at netip.Addr) ([]int, error)
	// Outdated reports whether there is a newer version of the game, and which.
	Outdated(ctx context.Context, version string) (newer string, outdated bool, err error)
}

// walk is how far it has come.
type walk struct {
	Server
	info    a2s.Info
	vars    map[string]cvar.Var
	said    status.Status // the answer to the command status
	printed printed
	public  netip.Addr
}

// Walk checks one thing after the other and returns what it found, up to the
// first that is broken.
func Walk(ctx context.Context, s Server) []left4me.Check {
	w := &walk{Server: s}
	var found []left4me.Check
	for _, step := range []func(context.Context) left4me.Check{
		w.process, w.port, w.answer, w.playing, w.library,
		w.settings, w.lan, w.connection, w.members, w.lobby, w.modes, w.password, w.places,
		w.filter, w.outside, w.listed, w.version,
	} {
		c := step(ctx)
		if c.Name == "" {
			continue // there was nothing to check
		}
		found = append(found, c)
		if c.State == left4me.CheckBroken {
			break
		}
	}
	return found
}

// nothing is the finding of a step that has nothing to check.
var nothing left4me.Check

func ok(name, format string, args ...any) left4me.Check {
	return left4me.Check{Name: name, State: left4me.CheckOK, Text: fmt.Sprintf(format, args...)}
}

func skipped(name, text, mend string) left4me.Check {
	return left4me.Check{Name: name, State: left4me.CheckSkipped, Text: text, Mend: mend}
}

func warn(name, text, mend string) left4me.Check {
	return left4me.Check{Name: name, State: left4me.CheckWarn, Text: text, Mend: mend}
}

func broken(name, text, mend string) left4me.Check {
	return left4me.Check{Name: name, State: left4me.CheckBroken, Text: text, Mend: mend}
}

// Deadlines of single questions.
const (
	askWithin = 2 * time.Second
	askAgain  = time.Second // servers drop the questions of those who ask too often
)

// ask asks a server for its public data, twice: a packet may be lost.
func ask(ctx context.Context, at netip.AddrPort) (a2s.Info, error) {
	c, err := a2s.Dial(ctx, at.String())
	if err != nil {
		return a2s.Info{}, err
	}
	defer c.Close()
	for again := true; ; again = false {
		once, cancel := context.WithTimeout(ctx, askWithin)
		info, err := c.Info(once)
		cancel()
		if err == nil || !again || ctx.Err() != nil {
			return info, err
		}
		_ = sleep.For(ctx, askAgain)
	}
}
