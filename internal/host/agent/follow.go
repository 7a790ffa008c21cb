package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/diagnosis/poller"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// follower is what the agent knows of a server that is or was up.
type follower struct {
	status left4me.Status
	active bool // a goroutine follows it
}

// follow begins to watch a server's shim, unless that is done already. It goes
// on until the server is down.
func (a *Agent) follow(n left4me.Name) {
	a.mu.Lock()
	f := a.servers[n]
	if f == nil {
		f = &follower{status: left4me.Status{Name: n, State: left4me.Stopped}}
		a.servers[n] = f
	}
	running := f.active
	f.active = true
	a.mu.Unlock()
	if running {
		return
	}
	// A job's context ends before the server does: follow as long as the agent
	// lives.
	a.group.Go(func() error {
		a.followUntilDown(a.ctx, n)
		return nil
	})
}

func (a *Agent) followUntilDown(ctx context.Context, n left4me.Name) {
	defer func() {
		a.poller.Drop(n)
		a.mu.Lock()
		if f := a.servers[n]; f != nil {
			f.active = false
		}
		a.mu.Unlock()
	}()
	rev := int64(-1)
	var client *shim.Client
	defer func() {
		if client != nil {
			client.Close()
		}
	}()
	for ctx.Err() == nil {
		var err error
		if client == nil {
			if client, err = shim.Dial(ctx, shim.Socket(a.Sockets, n)); err == nil {
				a.built(n)
			}
		}
		if err == nil {
			var st shim.Status
			if st, err = client.Watch(ctx, rev); err == nil {
				rev = st.Rev
				a.told(ctx, n, st)
				continue
			}
			client.Close()
		}
		client, rev = nil, -1
		seen, serr := a.state(ctx, n)
		if ctx.Err() != nil {
			return
		}
		if serr != nil {
			a.log.Warn("state", "server", n, "err", serr)
			pause(ctx, time.Second)
			continue
		}
		if !seen.State.Up() {
			a.keepCrashes(ctx, n)
			a.update(n, func(st *left4me.Status) {
				seen.Since, seen.SpecHash = now(), st.SpecHash
				*st = seen
			})
			select {
			case a.downs <- struct{}{}:
			default: // it is known already
			}
			return
		}
		a.update(n, func(st *left4me.Status) {
			if st.State != seen.State && seen.State != left4me.Running {
				st.State, st.Reason, st.PID, st.Since = seen.State, seen.Reason, 0, now()
			}
		})
		pause(ctx, 100*time.Millisecond)
	}
}

// state is how a server is that nobody follows, as its supervisor says.
func (a *Agent) state(ctx context.Context, n left4me.Name) (left4me.Status, error) {
	state, reason, err := a.supervisor.State(ctx, n)
	st := left4me.Status{Name: n, State: state, Reason: reason}
	if err == nil && state == left4me.Failed {
		st.GaveUp, err = a.supervisor.GaveUp(ctx, n)
	}
	return st, err
}

// built notes the build of the game and the revisions that a server was started with: what it was
// prepared with stays as long as it is up.
func (a *Agent) built(n left4me.Name) {
	env, err := a.Files.ReadEnv(n)
	if err != nil {
		a.log.Warn("build", "server", n, "err", err)
		return
	}
	a.update(n, func(st *left4me.Status) { st.Build, st.Overlays = env.Build, overlaysOf(env) })
}

// told takes what a shim says of its server.
func (a *Agent) told(ctx context.Context, n left4me.Name, s shim.Status) {
	var restarted bool
	a.update(n, func(st *left4me.Status) {
		restarted = s.Restarts > st.Restarts
		st.State, st.Reason, st.PID, st.Since = s.State, s.Reason, s.PID, s.Since.UTC()
		st.Port, st.Restarts, st.SpecHash = s.Port, s.Restarts, s.SpecHash
		if !answers(s.State) {
			st.Map, st.Players, st.Bots, st.Online, st.SampledAt = "", 0, 0, nil, time.Time{}
		}
	})
	if answers(s.State) && s.Port > 0 {
		a.poller.Set(n, s.Port)
	} else {
		a.poller.Drop(n)
	}
	if restarted || s.State == left4me.Failed {
		a.keepCrashes(ctx, n)
	}
}

func answers(s left4me.ServerState) bool { return s == left4me.Running || s == left4me.Unresponsive }

// sampled takes what a server answered players.
func (a *Agent) sampled(n left4me.Name, s poller.Sample) {
	a.update(n, func(st *left4me.Status) {
		if !answers(st.State) {
			return
		}
		i := s.Info
		st.Hostname, st.Map, st.MaxPlayers, st.Bots = i.Name, i.Map, int(i.MaxPlayers), int(i.Bots)
		st.Players = int(i.Players) // L4D2 counts its bots apart
		st.SampledAt = s.At.UTC()
		st.Online = st.Online[:0:0]
		for _, p := range s.Players {
			st.Online = append(st.Online, left4me.Player{Name: p.Name, Score: int(p.Score), Duration: p.Duration})
		}
		markBots(st.Online, st.Bots)
	})
}

// update changes what is known of a server and tells it.
func (a *Agent) update(n left4me.Name, change func(*left4me.Status)) {
	a.mu.Lock()
	f := a.servers[n]
	if f == nil {
		a.mu.Unlock()
		return
	}
	change(&f.status)
	clipStatus(&f.status)
	st := a.shown(f.status)
	a.mu.Unlock()
	a.tell(st)
}

func (a *Agent) tell(st left4me.Status) {
	if err := a.bus.Publish(bus.Live(a.Host, bus.KindStatus), st); err != nil {
		a.log.Warn("status", "server", st.Name, "err", err)
	}
}

// Bounds of what a server and its shim say of themselves. Both belong to the
// game's user.
const (
	maxReason = 1 << 10 // bytes of JSON
	maxTitle  = 256     // bytes of JSON: of a host name, a map, a player
	maxOnline = 64      // players
)

func clipStatus(st *left4me.Status) {
	st.Reason = left4me.Clip(st.Reason, maxReason)
	st.Hostname, st.Map = left4me.Clip(st.Hostname, maxTitle), left4me.Clip(st.Map, maxTitle)
	st.Online = st.Online[:min(len(st.Online), maxOnline)]
	for i := range st.Online {
		st.Online[i].Name = left4me.Clip(st.Online[i].Name, maxTitle)
	}
}

// forget drops a server that was deleted.
func (a *Agent) forget(n left4me.Name) {
	a.mu.Lock()
	delete(a.servers, n)
	a.mu.Unlock()
}

// statuses returns what is known of every server that has anything here, or had
// before a disk had gone.
func (a *Agent) statuses(ctx context.Context) ([]left4me.Status, error) {
	_ = a.diskThere() // each status says so
	names, err := a.serverNames()
	if err != nil {
		return nil, err
	}
	all := make([]left4me.Status, 0, len(names))
	for _, n := range names {
		a.mu.Lock()
		f := a.servers[n]
		var st left4me.Status
		if f != nil {
			st = f.status
		}
		a.mu.Unlock()
		if f == nil {
			if st, err = a.state(ctx, n); err != nil {
				return nil, fmt.Errorf("state of %s: %w", n, err)
			}
		}
		a.mu.Lock()
		all = append(all, a.shown(st))
		a.mu.Unlock()
	}
	return all, nil
}
