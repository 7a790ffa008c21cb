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

// Intervals at which a changing unit is polled. The first is short, because most changes take only a
// moment.
const (
	firstPoll = 10 * time.Millisecond
	lastPoll  = 200 * time.Millisecond
)

// Start starts a server and returns when its shim runs, which is before the server is ready. If the
// server is already up, that is a success. Errors: left4me.Denied, and left4me.Unavailable with the
// reason.
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
	statusText := listenStatus(ctx, mount)
	defer statusText.close()
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
		return false, refused(ctx, mount, statusText)
	})
}

// refused returns the error for a server's unit that was not started because its mount failed.
func refused(ctx context.Context, mount string, statusText *status) error {
	return left4me.NewError(left4me.Unavailable, "server.layers_not_mounted", "reason", statusText.wait(ctx), "unit", mount)
}

// Stop makes the shim run its stop sequence and returns when the server has ended and nothing is
// mounted for it. If the server doesn't run, that is a success. Errors: left4me.Busy if another process
// writes to the mount.
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
	// systemd reports the end of the server before it stops the mount unit. It would stop a mount in
	// progress only after the mount is complete.
	failed, mounts := false, false
	err = s.wait(ctx, []string{server, mount}, func(u []dbus.UnitStatus) (bool, error) {
		failed = u[0].ActiveState == "failed"
		mounts = u[1].ActiveState == "activating"
		return settled(u[0]) && (settled(u[1]) || mounts), nil
	})
	if err != nil {
		return err
	}
	if failed { // the end was requested, so it is no failure
		if err := s.forgetFailure(ctx, server); err != nil {
			return err
		}
	}
	if mounts { // the units conflict, so systemd ends the mounting process first
		if err := s.run(ctx, unmountUnit+string(n)+suffix); err != nil {
			return err
		}
	}
	return s.unmount(ctx, n)
}

// unmount removes what the mount unit left behind now or at an earlier stop: a mount, or the root-owned
// directory that overlayfs creates in work, which remains if the host went down while the stack was
// mounted.
func (s *Supervisor) unmount(ctx context.Context, n left4me.Name) error {
	mounted, err := s.mounted(n)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(s.cfg.Root.Runtime(n), "work", "work")); err != nil && !mounted {
		return nil //nolint:nilerr // nothing exists, or nothing that this user can see
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

// Empty removes the contents of a stopped server's runtime directory. It runs as the user who owns the
// files and removes what that user can. Errors: left4me.Busy if the server is up.
func (s *Supervisor) Empty(ctx context.Context, n left4me.Name) error {
	if err := s.idle(ctx, n); err != nil {
		return err
	}
	// A list left by an interrupted discard would limit what the unit removes.
	err := s.cfg.Root.DropDiscard(n)
	if errors.Is(err, fs.ErrPermission) {
		return nil // the instance belongs to another user, so the unit could not read it either
	}
	if err != nil {
		return fmt.Errorf("empty %s: %w", n, err)
	}
	return s.run(ctx, emptyUnit+string(n)+suffix)
}

// Discard removes what a stopped server wrote at the given paths, as the user who owns the files. The
// unit of Empty does it, limited by a list of paths. Errors: left4me.Busy if the server is up.
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

// run runs a one-shot unit. If it fails, the error contains its status text.
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
	if err := s.forgetFailure(ctx, unit); err != nil { // a failed unit would stay loaded after its server is deleted
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

// forgetFailure resets a failed unit to inactive, and lets a unit that hit its start limit start again.
func (s *Supervisor) forgetFailure(ctx context.Context, unit string) error {
	return s.call(ctx, func(ctx context.Context, c *dbus.Conn) error { return c.ResetFailedUnitContext(ctx, unit) })
}

// wait polls units until done returns true or ctx ends. Polling is simpler than systemd's signals,
// which are lost together with the bus connection.
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
