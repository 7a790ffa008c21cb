package agent

import (
	"context"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/host/diagnosis/poller"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
	"github.com/left4me/left4me/internal/sleep"
)

// sweep follows every server that is up and not followed yet.
func (s *statuses) sweep(ctx context.Context) {
	ctx2, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	names, err := s.core.machine.List(ctx2)
	if err != nil {
		if ctx.Err() == nil {
			s.core.log.ErrorContext(ctx, "list servers", "err", err)
		}
		return
	}
	for _, n := range names {
		s.noteFound(ctx2, n)
		s.follow(ctx, n)
	}
}

// noteFound records the supervisor's state of a server that no client has followed yet. Until the shim
// reports the exact state, a client would see the server as stopped and could start it again.
func (s *statuses) noteFound(ctx context.Context, n left4me.Name) {
	s.mu.Lock()
	known := s.servers[n] != nil
	s.mu.Unlock()
	if known {
		return
	}
	st, err := s.state(ctx, n)
	if err != nil {
		s.core.log.WarnContext(ctx, "state", "server", n, "err", err)
		st = left4me.Status{Name: n, State: left4me.Unknown}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.servers[n] == nil { // a job may have started following the server
		s.servers[n] = &follower{status: st}
	}
}

// follow starts a goroutine that follows a server's shim until the server is down, unless one
// exists. Its log lines carry the request id of ctx.
func (s *statuses) follow(ctx context.Context, n left4me.Name) {
	s.mu.Lock()
	f := s.servers[n]
	if f == nil {
		f = &follower{status: left4me.Status{Name: n, State: left4me.Stopped}}
		s.servers[n] = f
	}
	running := f.active
	f.active = true
	s.mu.Unlock()
	if running {
		return
	}
	// Use the agent's context: a job's context ends before the server does.
	s.core.group.Go(func() error {
		s.followUntilDown(requestid.With(s.core.ctx, requestid.From(ctx)), n)
		return nil
	})
}

func (s *statuses) followUntilDown(ctx context.Context, n left4me.Name) {
	defer func() {
		s.poller.Drop(n)
		s.mu.Lock()
		if f := s.servers[n]; f != nil {
			f.active = false
		}
		s.wake()
		s.mu.Unlock()
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
			if client, err = shim.Dial(ctx, shim.Socket(s.core.Sockets, n)); err == nil {
				s.noteBuild(ctx, n)
			}
		}
		if err == nil {
			var st shim.Status
			if st, err = client.Watch(ctx, rev); err == nil {
				rev = st.Rev
				s.applyShim(ctx, n, st)
				continue
			}
			client.Close()
		}
		client, rev = nil, -1
		seen, serr := s.state(ctx, n)
		if ctx.Err() != nil {
			return
		}
		if serr != nil {
			s.core.log.WarnContext(ctx, "state", "server", n, "err", serr)
			_ = sleep.For(ctx, time.Second)
			continue
		}
		if !seen.State.Up() {
			s.crashes.publish(ctx, n)
			s.update(n, func(st *left4me.Status) {
				seen.Since, seen.SpecHash = now(), st.SpecHash
				*st = seen
			})
			select {
			case s.ended <- struct{}{}:
			default: // already signalled
			}
			return
		}
		s.update(n, func(st *left4me.Status) {
			if st.State != seen.State && seen.State != left4me.Running {
				st.State, st.PID, st.Since = seen.State, 0, now()
				st.Explain(seen.Why)
			}
		})
		_ = sleep.For(ctx, 100*time.Millisecond)
	}
}

// state returns the supervisor's state of a server that is not followed.
func (s *statuses) state(ctx context.Context, n left4me.Name) (left4me.Status, error) {
	state, why, err := s.core.machine.State(ctx, n)
	st := left4me.Status{Name: n, State: state}
	st.Explain(why)
	if err == nil && state == left4me.Failed {
		st.GaveUp, err = s.core.machine.GaveUp(ctx, n)
	}
	return st, err
}

// noteBuild records the game build and the overlay revisions that a server was started with. They
// don't change while the server is up.
func (s *statuses) noteBuild(ctx context.Context, n left4me.Name) {
	env, err := s.core.Files.Root.ReadEnv(n)
	if err != nil {
		s.core.log.WarnContext(ctx, "build", "server", n, "err", err)
		return
	}
	s.update(n, func(st *left4me.Status) { st.Build, st.Overlays = env.Build, overlaysOf(env) })
}

// applyShim updates the status of a server from a report of its shim.
func (s *statuses) applyShim(ctx context.Context, n left4me.Name, is shim.Status) {
	var restarted bool
	s.update(n, func(st *left4me.Status) {
		restarted = is.Restarts > st.Restarts
		st.State, st.PID, st.Since = is.State, is.PID, is.Since.UTC()
		st.StartedAt = time.Time{}
		if is.PID > 0 && !is.StartedAt.IsZero() {
			st.StartedAt = is.StartedAt.UTC()
		}
		st.Explain(is.Explained())
		st.Port, st.Restarts, st.SpecHash = is.Port, is.Restarts, is.SpecHash
		if !answers(is.State) {
			st.Map, st.Mode = "", ""
			st.Players, st.Bots, st.Online, st.SampledAt = 0, 0, nil, time.Time{}
		}
	})
	if answers(is.State) && is.Port > 0 {
		s.poller.Set(n, is.Port)
	} else {
		s.poller.Drop(n)
	}
	if restarted || is.State == left4me.Failed {
		s.crashes.publish(ctx, n)
	}
}

// applySample updates the status of a server from its A2S answers.
func (s *statuses) applySample(n left4me.Name, sample poller.Sample) {
	s.update(n, func(st *left4me.Status) {
		if !answers(st.State) {
			return
		}
		i := sample.Info
		st.Hostname, st.Map, st.MaxPlayers, st.Bots = i.Name, i.Map, int(i.MaxPlayers), int(i.Bots)
		st.Mode = modeOf(i.Keywords)
		st.Players = int(i.Players) // L4D2 does not include bots in this number
		st.SampledAt = sample.At.UTC()
		st.Online = st.Online[:0:0]
		for _, p := range sample.Players {
			st.Online = append(st.Online, left4me.Player{Name: p.Name, Score: int(p.Score), Duration: p.Duration})
		}
		markBots(st.Online, st.Bots)
	})
}

// modeOf returns the game mode in the tags of a query answer. L4D2 lists it first: "versus,empty,secure".
func modeOf(tags string) string {
	mode, _, _ := strings.Cut(tags, ",")
	mode = left4me.MapName(mode)
	if len(mode) > 64 || strings.Trim(mode, "abcdefghijklmnopqrstuvwxyz0123456789_-.") != "" {
		return ""
	}
	return mode
}
