package systemd

import (
	"context"

	"github.com/coreos/go-systemd/v22/dbus"

	"github.com/left4me/left4me/internal/left4me"
)

// The unit that installs and updates the game, and its mount unit.
const (
	installUnit      = "left4me-install" + suffix
	installMountUnit = mountUnit + string(left4me.InstallInstance) + suffix
)

// StartInstall starts the unit that runs SteamCMD. If it already runs, that is a success. Errors:
// left4me.Denied, and left4me.Unavailable with the reason.
func (s *Supervisor) StartInstall(ctx context.Context) error {
	u, err := s.units(ctx, installUnit)
	if err != nil {
		return err
	}
	switch {
	case !settled(u[0]):
		return nil
	case u[0].ActiveState == "failed":
		if err := s.forgetFailure(ctx, installUnit); err != nil {
			return err
		}
	}
	before, err := s.properties(ctx, installUnit)
	if err != nil {
		return err
	}
	statusText := listenStatus(ctx, installMountUnit)
	defer statusText.close()
	if err := s.begin(ctx, installUnit); err != nil {
		return err
	}
	return s.wait(ctx, []string{installUnit}, func(u []dbus.UnitStatus) (bool, error) {
		if u[0].JobType != "" {
			return false, nil
		}
		if !settled(u[0]) {
			return true, nil
		}
		p, err := s.properties(ctx, installUnit)
		if err != nil || !p.Started.Equal(before.Started) {
			return true, err // it ran and has already ended
		}
		return false, refused(ctx, installMountUnit, statusText)
	})
}

// Installing reports whether the unit runs or its layers are mounted. Otherwise why describes its
// failure, or is nil if it didn't fail.
func (s *Supervisor) Installing(ctx context.Context) (runs bool, why *left4me.Error, err error) {
	u, err := s.units(ctx, installUnit, installMountUnit)
	if err != nil {
		return false, nil, err
	}
	if !settled(u[0]) || !settled(u[1]) {
		return true, nil, nil
	}
	if err := s.unmount(ctx, left4me.InstallInstance); err != nil {
		return false, nil, err
	}
	if u[0].ActiveState != "failed" {
		return false, nil, nil
	}
	p, err := s.properties(ctx, installUnit)
	switch {
	case err != nil:
		return false, nil, err
	case p.Text != "":
		return false, left4me.NewError(left4me.Unavailable, "shim.said", "reason", p.Text), nil
	}
	return false, p.reason(), nil
}

// StopInstall stops the unit together with SteamCMD and returns when nothing is mounted for it. If it
// doesn't run, that is a success.
func (s *Supervisor) StopInstall(ctx context.Context) error {
	u, err := s.units(ctx, installUnit)
	if err != nil {
		return err
	}
	if !settled(u[0]) {
		err := s.call(ctx, func(ctx context.Context, c *dbus.Conn) error {
			_, err := c.StopUnitContext(ctx, installUnit, "replace", nil)
			return err
		})
		if err != nil {
			return err
		}
	}
	err = s.wait(ctx, []string{installUnit, installMountUnit}, func(u []dbus.UnitStatus) (bool, error) {
		return settled(u[0]) && settled(u[1]), nil
	})
	if err != nil {
		return err
	}
	return s.unmount(ctx, left4me.InstallInstance)
}
