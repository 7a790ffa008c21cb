package systemd

import (
	"context"
	"os/user"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"

	"github.com/left4me/left4me/internal/host/content/sandbox"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	buildUnit  = "left4me-build@"
	buildGroup = "left4me-build"
)

// BuildGroup returns the ID of the unit's group. Errors: left4me.Unavailable if the group doesn't
// exist.
func (s *Supervisor) BuildGroup() (int, error) {
	g, err := user.LookupGroup(buildGroup)
	if err != nil {
		return 0, left4me.NewError(left4me.Unavailable, "systemd.no_group", "group", buildGroup).Because(err)
	}
	return strconv.Atoi(g.Gid)
}

// StartBuild starts the unit that runs a script and returns when it runs or has ended. If it already
// runs, that is a success. Errors: left4me.Denied, and left4me.Unavailable with the reason.
func (s *Supervisor) StartBuild(ctx context.Context, id left4me.Name) error {
	if !id.Valid() {
		return invalid(id)
	}
	unit := buildUnit + string(id) + suffix
	u, err := s.units(ctx, unit)
	if err != nil {
		return err
	}
	switch {
	case !settled(u[0]):
		return nil
	case u[0].ActiveState == "failed":
		if err := s.forgetFailure(ctx, unit); err != nil {
			return err
		}
	}
	if err := s.begin(ctx, unit); err != nil {
		return err
	}
	return s.wait(ctx, []string{unit}, func(u []dbus.UnitStatus) (bool, error) { return u[0].JobType == "", nil })
}

// Building reports whether a build runs. If not, none of its processes is left and end describes the
// result; nil means that the build was interrupted.
func (s *Supervisor) Building(ctx context.Context, id left4me.Name) (runs bool, end *sandbox.End, err error) {
	if !id.Valid() {
		return false, nil, invalid(id)
	}
	unit := buildUnit + string(id) + suffix
	u, err := s.units(ctx, unit)
	if err != nil {
		return false, nil, err
	}
	if !settled(u[0]) {
		return true, nil, nil
	}
	end, err = sandbox.ReadEnd(sandbox.Dir(string(s.cfg.Root), id))
	if err != nil || u[0].ActiveState != "failed" {
		return false, end, err
	}
	p, err := s.properties(ctx, unit)
	if err != nil {
		return false, nil, err
	}
	return false, p.buildEnd(end), nil
}

// buildEnd returns the result of a build whose unit failed. The result that the unit's process stored,
// which the script may have forged, counts only if systemd reports no other cause.
func (p properties) buildEnd(stored *sandbox.End) *sandbox.End {
	var e *left4me.Error
	switch {
	case p.Result == "oom-kill":
		e = left4me.NewError(left4me.Unavailable, "script.unit_memory")
	case p.Result == "timeout":
		e = left4me.NewError(left4me.Unavailable, "script.unit_timeout", "limit", time.Hour)
	case p.Result == "exit-code" && stored != nil && (stored.Error != nil || stored.Status != 0):
		return stored
	case p.Result == "exit-code" && p.Text != "":
		e = left4me.NewError(left4me.Unavailable, "script.unit_said", "reason", p.Text)
	case p.Result == "exit-code" && stored == nil && p.Status == 2: // exit status of the Go runtime after a panic
		e = left4me.NewError(left4me.Unavailable, "script.unit_runner_failed")
	case p.Result == "exit-code" && stored == nil:
		e = unitNotStarted(p.Status)
	default:
		e = left4me.NewError(left4me.Unavailable, "script.unit_ended", "reason", p.reason())
	}
	return &sandbox.End{Status: 1, Error: e}
}

// unitNotStarted explains the exit statuses that systemd uses when it could not execute the program;
// see systemd.exec(5).
func unitNotStarted(status int32) *left4me.Error {
	switch status {
	case 203:
		return left4me.NewError(left4me.Unavailable, "script.unit_not_executed", "status", status)
	case 216, 217:
		return left4me.NewError(left4me.Unavailable, "script.unit_no_user", "status", status)
	case 226:
		return left4me.NewError(left4me.Unavailable, "script.unit_no_directory", "status", status)
	}
	return left4me.NewError(left4me.Unavailable, "script.unit_not_started", "status", status)
}

// StopBuild ends a build with all its processes and returns when it has ended. If it doesn't run, that
// is a success. A recorded failure is reset.
func (s *Supervisor) StopBuild(ctx context.Context, id left4me.Name) error {
	if !id.Valid() {
		return invalid(id)
	}
	unit := buildUnit + string(id) + suffix
	u, err := s.units(ctx, unit)
	if err != nil {
		return err
	}
	if !settled(u[0]) {
		err := s.call(ctx, func(ctx context.Context, c *dbus.Conn) error {
			_, err := c.StopUnitContext(ctx, unit, "replace", nil)
			return err
		})
		if err != nil {
			return err
		}
	}
	failed := false
	err = s.wait(ctx, []string{unit}, func(u []dbus.UnitStatus) (bool, error) {
		failed = u[0].ActiveState == "failed"
		return settled(u[0]), nil
	})
	if err == nil && failed {
		err = s.forgetFailure(ctx, unit)
	}
	return err
}
