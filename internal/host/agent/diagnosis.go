package agent

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/diagnosis/connectivity"
	"github.com/left4me/left4me/internal/host/diagnosis/firewall"
	"github.com/left4me/left4me/internal/left4me"
)

// Deadlines of the checks, and the number of bytes of console output that they read.
const (
	doctorWithin = 30 * time.Second
	reachWithin  = 30 * time.Second
	reachConsole = 2 << 20
	newestWait   = 300 * time.Millisecond
)

// sharedChecks runs one check for all concurrent requests with the same key, because a check starts
// processes and sends network requests.
type sharedChecks struct{ group singleflight.Group }

// run runs f once for all concurrent callers with the same key. ctx is the agent's context,
// not that of one request: a caller that gives up must not cancel the check for the others.
func (c *sharedChecks) run(ctx context.Context, key string, within time.Duration,
	f func(context.Context) []left4me.Check,
) ([]left4me.Check, error) {
	v, _, _ := c.group.Do(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		return f(ctx), nil
	})
	return v.([]left4me.Check), ctx.Err()
}

// diagnosis examines a host, and finds out why players can't join a server.
type diagnosis struct {
	core     *core
	statuses *statuses
	consoles *consoles
	checks   sharedChecks
}

// host runs the doctor's checks on this machine.
func (d *diagnosis) host(ctx context.Context) ([]left4me.Check, error) {
	if d.core.Doctor == nil {
		return nil, left4me.NewError(left4me.Unavailable, "host.not_examined", "host", d.core.Host)
	}
	return d.checks.run(ctx, "doctor", doctorWithin, d.core.Doctor)
}

// connectivity checks each step between a server and its players.
func (d *diagnosis) connectivity(ctx context.Context, r bus.ReachRequest) ([]left4me.Check, error) {
	if !r.Server.Valid() {
		return nil, left4me.NewError(left4me.Invalid, "request.no_server")
	}
	s, err := d.server(ctx, r.Server)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", r.Server, err)
	}
	s.Name, s.Address = cmp.Or(r.Shown, r.Server), cmp.Or(r.Address, s.Address)
	return d.checks.run(ctx, "reach "+string(r.Server), reachWithin, func(ctx context.Context) []left4me.Check {
		return connectivity.Walk(ctx, s)
	})
}

// server returns the input of a connectivity check.
func (d *diagnosis) server(ctx context.Context, n left4me.Name) (connectivity.Server, error) {
	s := connectivity.Server{
		Status: left4me.Status{Name: n}, Address: d.core.PublicAddress, Steam: steamAPI{d.core.Steam.API}, Rules: firewall.Read,
		Command: func(ctx context.Context, command string) (string, error) {
			answer, err := d.consoles.run(ctx, bus.CommandRequest{Server: n, Command: command})
			return answer.Output, err
		},
		Console: func(ctx context.Context) (string, error) { return d.consoles.tail(ctx, n, reachConsole) },
	}
	var known bool
	var err error
	if s.Status, known = d.statuses.get(n); !known {
		var why *left4me.Error
		s.State, why, err = d.core.machine.State(ctx, n)
		s.Explain(why)
	}
	if env, readErr := d.core.Files.Root.ReadEnv(n); readErr == nil {
		s.Wanted = env.Port
	}
	return s, err
}

// ownAddress returns the source address of this host's packets to the internet, or "" if there is no
// route. Connecting a UDP socket sends nothing.
func ownAddress() string {
	c, err := net.Dial("udp4", "192.0.2.1:9") // TEST-NET-1, RFC 5737
	if err != nil {
		return ""
	}
	defer c.Close()
	own := c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
	if !own.IsGlobalUnicast() {
		return ""
	}
	return own.String()
}
