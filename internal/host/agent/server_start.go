package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

// Deadlines for the phases of a job. They end a job whose shim does not answer; the shim's own
// deadlines are shorter.
const (
	launchWithin = 30 * time.Second
	readyWithin  = 10 * time.Minute
	stopWithin   = 60 * time.Second
	emptyWithin  = 5 * time.Minute
	cancelWithin = 3 * time.Second // a cancelled job must end within 5 s
)

// servers carries out the jobs on servers.
type servers struct {
	core      *core
	statuses  *statuses
	layers    *layerUse
	campaigns *campaigns
	starts    startQueue

	launchWithin time.Duration // time limit from the start's turn in the queue until the shim answers
}

func newServers(c *core, st *statuses, use *layerUse, maps *campaigns) *servers {
	return &servers{
		core:         c,
		statuses:     st,
		layers:       use,
		campaigns:    maps,
		starts:       newStartQueue(maxConcurrentStarts()),
		launchWithin: launchWithin,
	}
}

// start starts a server and returns once it answers players. A failed or cancelled start leaves
// neither a process nor a mount.
func (s *servers) start(ctx context.Context, spec left4me.Spec, p *job.Progress) error {
	began := now()
	err := s.bringUp(ctx, spec, p)
	spec = s.onHost(spec)
	n := spec.Name
	if err == nil {
		s.statuses.awaitStatus(ctx, n, func(f follower) bool { return answers(f.published.State) && !f.published.SampledAt.IsZero() })
		return nil
	}
	if errors.Is(context.Cause(ctx), job.ErrCancelled) {
		ctx = context.WithoutCancel(ctx)
		s.abandon(ctx, n)
	}
	s.statuses.follow(ctx, n) // the shim may have failed before its first status request
	s.statuses.awaitStatus(ctx, n, down)
	return fmt.Errorf("start %s: %w", n, s.withMaps(ctx, spec, began, err))
}

// abandon stops a server whose start was cancelled. The stop continues without the job if it takes
// longer than cancelWithin.
func (s *servers) abandon(ctx context.Context, n left4me.Name) {
	ctx, cancel := context.WithTimeout(ctx, cancelWithin)
	defer cancel()
	if err := s.core.machine.Stop(ctx, n); err != nil {
		s.core.log.ErrorContext(ctx, "stop after a cancelled start", "server", n, "err", err)
	}
}

// bringUp starts a server unless it is up, and returns once it answers players.
func (s *servers) bringUp(ctx context.Context, spec left4me.Spec, p *job.Progress) error {
	n := s.onHost(spec).Name
	state, _, err := s.core.machine.State(ctx, n)
	if err != nil {
		return err
	}
	if state.Up() && state != left4me.Stopping {
		why := left4me.NewNote("server.already_running")
		if n != spec.Name {
			p.Skip(why, left4me.StepRename)
		} else if err := s.rename(ctx, spec, p); err != nil { // reports a rename that is done already: control may not know about it
			return err
		}
		p.Skip(why, left4me.StepWriteConfig, left4me.StepCheckPort, left4me.StepLaunch)
	} else {
		giveTurn, err := s.starts.acquire(ctx, func() { p.Note(left4me.StepWriteConfig, left4me.NewNote("server.waits_for_starts")) })
		if err != nil {
			return err
		}
		defer giveTurn()
		if err := s.rename(ctx, spec, p); err != nil {
			return err
		}
		n = spec.Name
		if err := s.launch(ctx, spec, p); err != nil {
			return err
		}
	}
	s.statuses.follow(ctx, n)
	return p.Step(ctx, left4me.StepAwaitReady, func(ctx context.Context) (left4me.Notes, error) {
		ctx, cancel := context.WithTimeout(ctx, readyWithin)
		defer cancel()
		return nil, s.awaitReady(ctx, n)
	})
}

func (s *servers) launch(ctx context.Context, spec left4me.Spec, p *job.Progress) error {
	var release func()
	err := p.Step(ctx, left4me.StepWriteConfig, func(ctx context.Context) (_ left4me.Notes, err error) {
		release, err = s.prepare(ctx, spec)
		return nil, err
	})
	if err != nil {
		return err
	}
	defer release()
	err = p.Step(ctx, left4me.StepCheckPort, func(context.Context) (left4me.Notes, error) { return s.checkPorts(spec) })
	if err != nil {
		return err
	}
	return p.Step(ctx, left4me.StepLaunch, func(ctx context.Context) (left4me.Notes, error) {
		ctx, cancel := context.WithTimeout(ctx, s.launchWithin)
		defer cancel()
		return nil, s.core.machine.Start(ctx, spec.Name)
	})
}

// prepare writes the configuration layer and the environment of a server. It pins the layers named
// there; the caller calls release once they are mounted.
func (s *servers) prepare(ctx context.Context, spec left4me.Spec) (release func(), err error) {
	for {
		if err := s.core.Files.Prepare(ctx, spec); err != nil {
			return nil, err
		}
		env, err := s.core.Files.Root.ReadEnv(spec.Name)
		if err != nil {
			return nil, err
		}
		if release, err = s.layers.pins.pin(ctx, spec.Name, env); err != nil {
			return nil, err
		}
		// A layer may have been removed after it was chosen and before it was pinned.
		now, _, err := s.core.Files.Root.Layers(spec.Overlays)
		if err == nil && slices.Equal(now, env.Lowerdirs[1:]) {
			return release, nil
		}
		release()
		if err != nil {
			return nil, err
		}
	}
}

// checkPorts fails if the server's game port is in use. The server's other ports are only reported
// in the notes, because the game continues without them or takes the next free port.
func (s *servers) checkPorts(spec left4me.Spec) (notes left4me.Notes, err error) {
	if err := shim.PortFree(s.core.Files.Root, spec.Port); err != nil {
		return nil, err
	}
	for _, u := range spec.MorePorts() {
		who := shim.Holder(s.core.Files.Root, u.Port)
		if who == nil && shim.Bound(u.Port) {
			who = left4me.NewError(left4me.Conflict, "port.holder_unknown")
		}
		if who != nil {
			notes = append(notes, left4me.NewNote("port.used", "port", u.Port, "what", u.What, "holder", who))
		} else if owner, ok := s.portOwner(u.Port, spec.Name); ok {
			notes = append(notes, left4me.NewNote("port.taken_from", "what", u.What, "port", u.Port,
				"holder", left4me.NewError(left4me.Conflict, "port.holder_stopped", "server", owner)))
		}
	}
	return notes, nil
}

// portOwner returns another server of this host whose last start used port.
func (s *servers) portOwner(port int, but left4me.Name) (left4me.Name, bool) {
	names, err := s.core.Files.Root.Names()
	if err != nil {
		return "", false
	}
	for _, n := range names {
		if env, err := s.core.Files.Root.ReadEnv(n); err == nil && n != but && env.Port == port {
			return n, true
		}
	}
	return "", false
}

// awaitReady blocks until the server answers players. It fails if the server ends or ctx ends.
func (s *servers) awaitReady(ctx context.Context, n left4me.Name) error {
	for rev := int64(-1); ; {
		st, err := s.watchShim(ctx, n, rev)
		if ctx.Err() != nil {
			return left4me.NewError(left4me.Unavailable, "server.not_ready", "server", n).Because(ctx.Err())
		}
		if err == nil {
			rev = st.Rev
			switch st.State {
			case left4me.Running, left4me.Unresponsive:
				return nil
			case left4me.Failed, left4me.Stopped:
				return failed(n, st.Explained())
			}
			continue
		}
		// No shim answers: it has not started yet, restarts, or has ended.
		state, reason, serr := s.core.machine.State(ctx, n)
		switch {
		case serr != nil:
			return serr
		case state == left4me.Failed, state == left4me.Stopped:
			return failed(n, reason)
		}
		_ = sleep.For(ctx, 50*time.Millisecond)
	}
}

func failed(n left4me.Name, reason *left4me.Error) error {
	if reason == nil {
		reason = left4me.NewError(left4me.Unavailable, "state.ended_while_starting")
	}
	return left4me.NewError(left4me.Unavailable, "server.start_failed", "reason", reason, "server", n)
}

func (s *servers) watchShim(ctx context.Context, n left4me.Name, rev int64) (shim.Status, error) {
	c, err := shim.Dial(ctx, shim.Socket(s.core.Sockets, n))
	if err != nil {
		return shim.Status{}, err
	}
	defer c.Close()
	return c.Watch(ctx, rev)
}

// shownMaps is the largest number of maps that an error lists.
const shownMaps = 12

// withMaps adds the available maps to the error of a start whose first map does not exist. The shim
// detects that failure, but only the agent knows the campaigns.
func (s *servers) withMaps(ctx context.Context, spec left4me.Spec, began time.Time, err error) error {
	f, failed := shim.LastFailure(s.core.Sockets, spec.Name)
	if !failed || f.Error.Field != left4me.FieldMap || f.At.Before(began) || ctx.Err() != nil {
		return err
	}
	if all, err := s.campaigns.list(ctx, bus.StackRequest{V: bus.Version, Spec: spec}); err == nil {
		if maps, rest := left4me.FirstMaps(all, shownMaps); maps != "" {
			var more any
			if rest > 0 {
				more = rest
			}
			return left4me.NewError(left4me.Invalid, "map.not_there_but_others", "error", &f.Error, "maps", maps, "more", more, "server",
				spec.Name).
				InField(left4me.FieldMap).Because(err)
		}
	}
	return f.Error.Because(err)
}
