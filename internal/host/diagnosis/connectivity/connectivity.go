// Package connectivity finds out why players can't join a server or don't see it in Steam's server
// list. It checks each step of the connection, from the process outwards, and stops at the first
// problem that keeps everybody out.
//
// It uses only public queries and the server's own remote console, and changes nothing. Steps that
// it cannot check from this host are reported as skipped.
package connectivity

import (
	"context"
	"net/netip"
	"time"

	"github.com/left4me/left4me/internal/host/diagnosis/firewall"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
	"github.com/left4me/left4me/source/a2s"
	"github.com/left4me/left4me/source/cvar"
	"github.com/left4me/left4me/source/status"
)

// Server is the input of a connectivity check: a server and access to its host.
type Server struct {
	left4me.Status
	Wanted  int    // port of the server's definition
	Address string // LEFT4ME_PUBLIC_ADDRESS, the address that players use; empty: detect it
	Steam   Steam  // nil: don't ask Steam

	// Command runs a console command and returns its answer.
	Command func(ctx context.Context, command string) (string, error)
	// Console returns the latest output of the server.
	Console func(ctx context.Context) (string, error)
	// Rules returns the rules of this machine's packet filter.
	Rules func(ctx context.Context) (firewall.Ruleset, error)
}

// Steam is the part of the Steam Web API that a check uses.
type Steam interface {
	// Listed returns the ports on which Steam knows servers at an address.
	Listed(ctx context.Context, at netip.Addr) ([]int, error)
	// Outdated reports whether Steam requires a newer version of the game, and which.
	Outdated(ctx context.Context, version string) (newer string, outdated bool, err error)
}

// walk is the state of a check in progress.
type walk struct {
	Server
	info         a2s.Info
	vars         map[string]cvar.Var
	statusAnswer status.Status // the answer to the console command status
	printed      printed
	public       netip.Addr
}

// Walk runs the checks in order and returns their results up to the first broken one.
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
			continue // nothing to check
		}
		found = append(found, c)
		if c.State == left4me.CheckBroken {
			break
		}
	}
	return found
}

// nothing is the result of a step that has nothing to check.
var nothing left4me.Check

// Timing of A2S queries.
const (
	askWithin = 2 * time.Second
	askAgain  = time.Second // servers ignore clients that query too often
)

// ask sends an A2S info query, and repeats it once because a packet may be lost.
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
