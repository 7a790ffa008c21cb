package agent

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/diagnosis/connectivity"
	"github.com/left4me/left4me/internal/host/diagnosis/firewall"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/steam"
)

// Deadlines of looking for what is wrong, and how much of a console is read for
// it.
const (
	doctorWithin = 30 * time.Second
	reachWithin  = 30 * time.Second
	reachConsole = 2 << 20
	newestWait   = 300 * time.Millisecond
)

// looks makes many who ask for the same wait for one answer: each look starts
// processes and asks others.
type looks struct{ group singleflight.Group }

// together runs f once for all who ask under a key meanwhile. ctx is the agent's:
// those who ask may give up, the answer is for the others too.
func (l *looks) together(ctx context.Context, key string, within time.Duration, f func(context.Context) []left4me.Check) ([]left4me.Check,
	error,
) {
	v, _, _ := l.group.Do(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		return f(ctx), nil
	})
	return v.([]left4me.Check), ctx.Err()
}

// doctor looks at this machine.
func (a *Agent) doctor(ctx context.Context) ([]left4me.Check, error) {
	if a.Doctor == nil {
		return nil, left4me.Errorf(left4me.Unavailable, "host %s can't be looked at", a.Host)
	}
	return a.looks.together(ctx, "doctor", doctorWithin, a.Doctor)
}

// reach goes the way from a server to its players.
func (a *Agent) reach(ctx context.Context, r bus.ReachRequest) ([]left4me.Check, error) {
	if !r.Server.Valid() {
		return nil, left4me.Errorf(left4me.Invalid, "the request names no server")
	}
	s, err := a.known(ctx, r.Server)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", r.Server, err)
	}
	return a.looks.together(ctx, "reach "+string(r.Server), reachWithin, func(ctx context.Context) []left4me.Check {
		return connectivity.Walk(ctx, s)
	})
}

// known is a server as the walk needs it.
func (a *Agent) known(ctx context.Context, n left4me.Name) (connectivity.Server, error) {
	s := connectivity.Server{
		Status: left4me.Status{Name: n}, Address: a.PublicAddress, Steam: steamAPI{a.Steam.API}, Rules: firewall.Read,
		Command: func(ctx context.Context, command string) (string, error) {
			answer, err := a.command(ctx, bus.CommandRequest{Server: n, Command: command})
			if err != nil {
				return "", err
			}
			return answer.(bus.CommandAnswer).Output, nil
		},
		Console: func(ctx context.Context) (string, error) { return a.printed(ctx, n, reachConsole) },
	}
	a.mu.Lock()
	f := a.servers[n]
	if f != nil {
		s.Status = f.status
	}
	a.mu.Unlock()
	var err error
	if f == nil {
		s.State, s.Reason, err = a.supervisor.State(ctx, n)
	}
	if env, readErr := a.Files.ReadEnv(n); readErr == nil {
		s.Wanted = env.Port
	}
	return s, err
}

// printed is the end of a server's console, at most size bytes of it.
func (a *Agent) printed(ctx context.Context, n left4me.Name, size int64) (string, error) {
	newest, err := a.readConsole(ctx, bus.ConsoleRequest{Server: n, After: -1})
	if err == nil {
		// What was printed last is shown a moment later, or when somebody waits
		// for it.
		newest, err = a.readConsole(ctx, bus.ConsoleRequest{Server: n, After: newest.Position, Wait: newestWait})
	}
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for at := max(0, newest.Position-size); at < newest.Position; {
		c, err := a.readConsole(ctx, bus.ConsoleRequest{Server: n, After: at, Max: shim.MaxChunk})
		if err != nil || c.Position <= at {
			return all.String(), err
		}
		all.WriteString(c.Lines)
		at = c.Position
	}
	return all.String(), nil
}

// steamAPI asks Steam's Web API what the walk wants to know. Each question has a
// deadline of its own: a Steam that can't be reached is only one finding.
type steamAPI struct{ base string }

const askSteamWithin = 5 * time.Second

// client doesn't wait long for a second try: somebody waits for the answer.
func (s steamAPI) client() *steam.Client {
	return &steam.Client{Base: s.base, Timeout: askSteamWithin, Pause: askSteamWithin / 20}
}

// Listed gives the ports of the game's servers that Steam sees at an address.
func (s steamAPI) Listed(ctx context.Context, at netip.Addr) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, askSteamWithin)
	defer cancel()
	found, err := s.client().ServersAt(ctx, at, 0)
	if err != nil {
		return nil, unasked(err)
	}
	var ports []int
	for _, f := range found {
		if f.App == gameApp {
			ports = append(ports, f.Port)
		}
	}
	return ports, nil
}

// Outdated asks whether Steam wants servers to have another version.
func (s steamAPI) Outdated(ctx context.Context, version string) (newer string, outdated bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askSteamWithin)
	defer cancel()
	number, ok := steam.Version{Patch: version}.Number()
	if !ok {
		return "", false, fmt.Errorf("%q is no version", version)
	}
	answer, err := s.client().UpToDateCheck(ctx, gameApp, number)
	if err != nil {
		return "", false, unasked(err)
	}
	return fmt.Sprintf("version %d", answer.Required), !answer.UpToDate, nil
}
