package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/overlayfs"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

// How often a unit is polled that is under way: soon at first, because
// most take a moment, and then less often.
const (
	firstPoll = 10 * time.Millisecond
	lastPoll  = 200 * time.Millisecond
)

// Start launches a server and returns when its shim runs, which is before the
// server is ready. It is a success when the server is up already. Errors:
// left4me.Denied, and left4me.Unavailable with what was refused.
func (s *Supervisor) Start(ctx context.Context, n left4me.Name) error {
	if !n.Valid() {
		return invalid(n)
	}
	server, mount := serverUnit+string(n)+suffix, mountUnit+string(n)+suffix
	u, err := s.units(ctx, server)
	if err != nil {
		return err
	}
	switch state := stateOf(u[0]); {
	case state.Up() && state != left4me.Stopping:
		return nil
	case state == left4me.Failed:
		if err := s.forgetFailure(ctx, server); err != nil {
			return err
		}
	}
	said := listenStatus(ctx, mount)
	defer said.close()
	if err := s.begin(ctx, server); err != nil {
		return err
	}
	return s.wait(ctx, []string{server, mount}, func(u []dbus.UnitStatus) (bool, error) {
		switch {
		case u[0].ActiveState == "active", u[0].ActiveState == "activating":
			return true, nil
		case !settled(u[0]):
			return false, nil
		case u[0].ActiveState == "failed":
			reason, err := s.failure(ctx, n)
			if err == nil {
				err = left4me.NewError(left4me.Unavailable, "server.start_refused", "reason", reason, "unit", server)
			}
			return false, err
		}
		return false, refused(ctx, mount, said)
	})
}

// refused says why a server's unit was not begun at all: because of its mount.
func refused(ctx context.Context, mount string, said *status) error {
	return left4me.NewError(left4me.Unavailable, "server.layers_not_mounted", "reason", said.wait(ctx), "unit", mount)
}

// Stop has the shim run its stop sequence and returns when the server has ended
// and nothing is mounted for it. It is a success when the server doesn't run.
// Errors: left4me.Busy when something else writes to what is mounted.
func (s *Supervisor) Stop(ctx context.Context, n left4me.Name) error {
	if !n.Valid() {
		return invalid(n)
	}
	server, mount := serverUnit+string(n)+suffix, mountUnit+string(n)+suffix
	u, err := s.units(ctx, server)
	if err != nil {
		return err
	}
	if !settled(u[0]) {
		err := s.call(ctx, func(ctx context.Context, c *dbus.Conn) error {
			_, err := c.StopUnitContext(ctx, server, "replace", nil)
			return err
		})
		if err != nil {
			return err
		}
	}
	// systemd says that the server has ended before it ends the mount. A mount that
	// is being made it would only end once it is there.
	failed, mounts := false, false
	err = s.wait(ctx, []string{server, mount}, func(u []dbus.UnitStatus) (bool, error) {
		failed = u[0].ActiveState == "failed"
		mounts = u[1].ActiveState == "activating"
		return settled(u[0]) && (settled(u[1]) || mounts), nil
	})
	if err != nil {
		return err
	}
	if failed { // people wanted its end: how it came about is no failure
		if err := s.forgetFailure(ctx, server); err != nil {
			return err
		}
	}
	if mounts { // they conflict: the one that mounts is ended first
		if err := s.run(ctx, unmountUnit+string(n)+suffix); err != nil {
			return err
		}
	}
	return s.unmount(ctx, n)
}

// unmount takes away what the mount unit had to leave, now or at an earlier stop:
// a mount, or the directory of root's that overlayfs makes in work, which stays
// when the mount ended with the machine.
func (s *Supervisor) unmount(ctx context.Context, n left4me.Name) error {
	mounted, err := s.mounted(n)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(s.cfg.Root.Runtime(n), "work", "work")); err != nil && !mounted {
		return nil //nolint:nilerr // nothing is there, or nothing that this user may see
	}
	if err := s.run(ctx, unmountUnit+string(n)+suffix); err != nil {
		return err
	}
	if mounted, err = s.mounted(n); err == nil && mounted {
		err = left4me.NewError(left4me.Busy, "server.layers_still_mounted")
	}
	return err
}

func (s *Supervisor) mounted(n left4me.Name) (bool, error) {
	root, err := overlayfs.OpenRoot(string(s.cfg.Root))
	if err != nil {
		return false, err
	}
	defer root.Close()
	return root.Mounted(n)
}

// Empty removes what a stopped server has in its runtime directory, as the user
// whose files are in it, and as far as that user may. Errors: left4me.Busy when the
// server is up.
func (s *Supervisor) Empty(ctx context.Context, n left4me.Name) error {
	if err := s.idle(ctx, n); err != nil {
		return err
	}
	// Of a discard that was cut off: with it not everything would go.
	err := s.cfg.Root.DropDiscard(n)
	if errors.Is(err, fs.ErrPermission) {
		return nil // the instance isn't ours, so the unit could not inspect it either
	}
	if err != nil {
		return fmt.Errorf("empty %s: %w", n, err)
	}
	return s.run(ctx, emptyUnit+string(n)+suffix)
}

// Discard drops what a stopped server wrote at some paths, as the user whose
// files they are: the same unit does it, which finds a list of them. Errors:
// left4me.Busy when the server is up.
func (s *Supervisor) Discard(ctx context.Context, n left4me.Name, paths []string) error {
	if err := s.idle(ctx, n); err != nil {
		return err
	}
	remove, err := instance.Files{Root: s.cfg.Root, Group: -1}.WriteDiscard(n, paths)
	if err != nil {
		return fmt.Errorf("discard files of %s: %w", n, err)
	}
	defer remove()
	return s.run(ctx, emptyUnit+string(n)+suffix)
}

func (s *Supervisor) idle(ctx context.Context, n left4me.Name) error {
	state, _, err := s.State(ctx, n)
	if err == nil && state.Up() {
		err = left4me.NewError(left4me.Busy, "server.running", "server", n)
	}
	return err
}

// run runs a unit that does one thing, and gives what its process said when it
// failed.
func (s *Supervisor) run(ctx context.Context, unit string) error {
	if err := s.begin(ctx, unit); err != nil {
		return err
	}
	failed := false
	err := s.wait(ctx, []string{unit}, func(u []dbus.UnitStatus) (bool, error) {
		failed = u[0].ActiveState == "failed"
		return settled(u[0]), nil
	})
	if err != nil || !failed {
		return err
	}
	p, err := s.properties(ctx, unit)
	if err != nil {
		return err
	}
	e := left4me.NewError(left4me.Busy, "systemd.unit_said", "reason", p.Text, "unit", unit)
	if p.Text == "" {
		e = left4me.NewError(left4me.Busy, "systemd.unit_failed", "unit", unit, "status", p.Status)
	}
	if err := s.forgetFailure(ctx, unit); err != nil { // a failed unit would outlive its server
		return err
	}
	return e
}

func (s *Supervisor) begin(ctx context.Context, unit string) error {
	return s.call(ctx, func(ctx context.Context, c *dbus.Conn) error {
		_, err := c.StartUnitContext(ctx, unit, "replace", nil)
		return err
	})
}

// forgetFailure makes a failed unit one that is merely down, and one that failed
// too often one that may start again.
func (s *Supervisor) forgetFailure(ctx context.Context, unit string) error {
	return s.call(ctx, func(ctx context.Context, c *dbus.Conn) error { return c.ResetFailedUnitContext(ctx, unit) })
}

// wait polls units until done says that it is enough, or ctx ends. systemd
// would send a signal for each change; polling needs no care for those that are
// lost with the bus.
func (s *Supervisor) wait(ctx context.Context, units []string, done func([]dbus.UnitStatus) (bool, error)) error {
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		u, err := s.units(ctx, units...)
		if err != nil && !errors.Is(err, left4me.Unavailable) {
			return err
		}
		if err == nil {
			if ok, err := done(u); ok || err != nil {
				return err
			}
		}
		if sleep.For(ctx, pause) != nil {
			return left4me.NewError(left4me.Unavailable, "systemd.timeout", "unit", units[0]).Because(ctx.Err())
		}
	}
}
