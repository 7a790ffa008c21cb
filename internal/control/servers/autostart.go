package servers

import (
	"context"
	"errors"
	"slices"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
	"github.com/left4me/left4me/internal/sleep"
	"github.com/left4me/left4me/internal/store"
)

// Why left4me starts a server.
const (
	afterBoot = "started after a reboot"
	afterEnd  = "started because it was not running when left4me started"
)

// autostart decides what becomes of a server when left4me has started and knows
// what its host runs. boot is the boot of the host, empty when it isn't known. A
// server that is up is never touched, nor is one with a job that starts or stops
// it. No clock is asked, and nothing but the arguments.
func autostart(v left4me.Server, state left4me.ServerState, active []left4me.JobKind, boot string) store.Decision {
	booted := boot != "" && v.BootID != "" && v.BootID != boot
	reason := afterEnd
	if booted {
		reason = afterBoot
	}
	switch {
	case state.Up(), slices.ContainsFunc(active, func(k left4me.JobKind) bool { return k.Wants() != "" }):
		return store.Decision{}
	case booted && v.Autostart == left4me.AutostartAlways:
		return store.Decision{Reason: reason}
	case v.Wanted != left4me.WantRunning, v.Held != "":
		return store.Decision{}
	case booted && v.Autostart == left4me.AutostartNever:
		return store.Decision{Hold: left4me.HeldBoot}
	}
	return store.Decision{Reason: reason}
}

// autostarts starts what shall run and doesn't, and keeps why a server is held.
type autostarts struct{ servers *Servers }

// startWanted starts what shall run on a host and doesn't. It is called when
// left4me has started and the host has said what it runs.
func (s autostarts) startWanted(ctx context.Context, host left4me.Name, boot string) error {
	all, err := s.servers.storage.Servers().List(ctx)
	if err != nil {
		return err
	}
	var failed, missing error // missing: the game
	asked := false
	for _, v := range all {
		st := s.servers.status.get(v)
		if v.Host != host || st.State == left4me.Unknown {
			continue // what can't be seen isn't started beside itself
		}
		if err := s.noteHeld(ctx, host, st); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if autostart(v, st.State, nil, boot).Reason != "" {
			if !asked {
				asked, missing = true, s.gameThere(ctx, host)
			}
			if missing != nil {
				continue // not one by one into the same failure
			}
		}
		d, err := s.servers.defined(ctx, v.Name)
		if errors.Is(err, left4me.NotFound) {
			continue
		}
		if err == nil {
			err = s.start(ctx, v, d.specOnHost(), boot)
		}
		failed = errors.Join(failed, err)
	}
	s.servers.status.waitsFor(host, missing)
	s.servers.changedAll(ctx)
	return errors.Join(missing, failed)
}

// gameThere sees that a host has the game. One that ran servers before and has none
// now may have its file system mounted later: what is missing is not taken for an
// empty installation.
func (s autostarts) gameThere(ctx context.Context, host left4me.Name) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var g left4me.Game
	if err := s.servers.bus.Request(ctx, bus.Command(host, bus.VerbGame), bus.Empty{V: bus.Version}, &g); err != nil {
		return err
	}
	if g.Current == 0 {
		return left4me.NewError(left4me.Unavailable, "autostart.game_missing", "host", host)
	}
	return nil
}

func (s autostarts) start(ctx context.Context, v left4me.Server, sp left4me.Spec, boot string) error {
	j, added, err := s.servers.jobs.Autostart(ctx, left4me.ByLeft4me, v.Name, v.Host, sp, boot,
		func(row left4me.Server, active []left4me.JobKind) store.Decision {
			return autostart(row, s.servers.status.get(row).State, active, boot)
		})
	if added {
		s.servers.log.InfoContext(ctx, "server is started unasked", "server", v.Name, "reason", j.Reason, "job", j.ID)
	}
	return err
}

// noteHeld keeps that a server gave up, so that it is known after a reboot too,
// and forgets it when the server runs again.
func (s autostarts) noteHeld(ctx context.Context, host left4me.Name, st left4me.Status) error {
	if !st.GaveUp && !st.State.Up() {
		return nil
	}
	v, err := s.servers.storage.Servers().ByHostName(ctx, host, st.Name)
	switch {
	case errors.Is(err, left4me.NotFound):
		return nil
	case err != nil:
		return err
	case st.GaveUp && v.Held == "":
		return s.servers.storage.Servers().Hold(ctx, v.Name, left4me.HeldCrashed)
	case st.State.Up() && v.Held != "":
		return s.servers.storage.Servers().Hold(ctx, v.Name, "")
	}
	return nil
}

// arrive learns from a host whose agent has started what it has, and starts what
// shall run there, until both were possible. boot is the boot of the host, empty
// when the agent doesn't say.
func (s autostarts) arrive(ctx context.Context, host left4me.Name, boot string) {
	ctx = requestid.Ensure(ctx) // one for all that it starts
	s.servers.status.booted(host, boot)
	said := ""
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		err := s.servers.ask(ctx, host)
		if err == nil {
			err = s.startWanted(ctx, host, boot)
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		if text := err.Error(); text != said { // what it waits for may come hours later
			said = text
			s.servers.log.WarnContext(ctx, "ask a host for its servers", "host", host, "err", err)
		}
		_ = sleep.For(ctx, wait)
	}
}
