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

// autostart decides whether a server is started or held after left4me has started and its host has
// reported its servers. boot is the boot id of the host, or empty if unknown. A server that is up,
// or that has a job to start or stop it, is left alone. The decision depends on the arguments only,
// not on a clock.
func autostart(v left4me.Server, state left4me.ServerState, active []left4me.JobKind, boot string) store.Decision {
	booted := boot != "" && v.BootID != "" && v.BootID != boot
	reason := left4me.NewNote("autostart.not_running")
	if booted {
		reason = left4me.NewNote("autostart.after_boot")
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

// autostarts starts the servers that should be running, and records why servers are held.
type autostarts struct{ servers *Servers }

// startWanted starts the servers of a host that should be running. It is called once left4me has
// started and the host has reported its servers.
func (s autostarts) startWanted(ctx context.Context, host left4me.Name, boot string) error {
	all, err := s.servers.storage.Servers().List(ctx)
	if err != nil {
		return err
	}
	var failed, missing error // missing: why the game is not available
	asked := false
	for _, v := range all {
		st := s.servers.status.get(v)
		if v.Host != host || st.State == left4me.Unknown {
			continue // it may be running: a second start must not be attempted
		}
		if err := s.noteHeld(ctx, host, st); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if !autostart(v, st.State, nil, boot).Reason.IsZero() {
			if !asked {
				asked, missing = true, s.checkGame(ctx, host)
			}
			if missing != nil {
				continue // every start would fail for the same reason
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
	s.servers.status.setStartBlocker(host, missing)
	s.servers.changedAll(ctx)
	return errors.Join(missing, failed)
}

// checkGame checks that a host has the game. If it is missing, its file system may not be mounted
// yet, so servers wait instead of failing.
func (s autostarts) checkGame(ctx context.Context, host left4me.Name) error {
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
		s.servers.log.InfoContext(ctx, "server is started automatically", "server", v.Name, "reason", j.Reason.Text, "job", j.ID)
	}
	return err
}

// noteHeld records that a server gave up, so that it stays down after a reboot, and removes the
// record when the server runs again.
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

// arrive handles the start of a host's agent: it queries the host for its servers and starts those
// that should be running, and retries until both have succeeded. boot is the boot id of the host,
// or empty if the agent doesn't report it.
func (s autostarts) arrive(ctx context.Context, host left4me.Name, boot string) {
	ctx = requestid.Ensure(ctx) // one request id for all starts
	s.servers.status.booted(host, boot)
	lastError := ""
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		err := s.servers.ask(ctx, host)
		if err == nil {
			err = s.startWanted(ctx, host, boot)
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		if text := err.Error(); text != lastError { // log each error once, because the retries may go on for hours
			lastError = text
			s.servers.log.WarnContext(ctx, "ask a host for its servers", "host", host, "err", err)
		}
		_ = sleep.For(ctx, wait)
	}
}
