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

// BuildGroup is the group that the unit has. Errors: left4me.Unavailable when
// there is none.
func (s *Supervisor) BuildGroup() (int, error) {
	g, err := user.LookupGroup(buildGroup)
	if err != nil {
		return 0, left4me.NewError(left4me.Unavailable, "systemd.no_group", "group", buildGroup).Because(err)
	}
	return strconv.Atoi(g.Gid)
}

// StartBuild starts the unit that runs a script, and returns when it runs or has
// ended. One that runs already is success. Errors: left4me.Denied, and
// left4me.Unavailable with what was refused.
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

// Building reports whether a build runs. When it doesn't, nothing of it runs any
// more, and end says how it ended; nil is that it never came to an end.
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

// buildEnd is how a build ended whose unit failed. What its own process told, and
// what the script may have told in its name, counts when systemd says nothing
// else.
func (p properties) buildEnd(told *sandbox.End) *sandbox.End {
	var e *left4me.Error
	switch {
	case p.Result == "oom-kill":
		e = left4me.NewError(left4me.Unavailable, "script.unit_memory")
	case p.Result == "timeout":
		e = left4me.NewError(left4me.Unavailable, "script.unit_timeout", "limit", time.Hour)
	case p.Result == "exit-code" && told != nil && (told.Error != nil || told.Status != 0):
		return told
	case p.Result == "exit-code" && p.Text != "":
		e = left4me.NewError(left4me.Unavailable, "script.unit_said", "reason", p.Text)
	case p.Result == "exit-code" && told == nil && p.Status == 2: // our runtime's
		e = left4me.NewError(left4me.Unavailable, "script.unit_runner_failed")
	case p.Result == "exit-code" && told == nil:
		e = unitNotStarted(p.Status)
	default:
		e = left4me.NewError(left4me.Unavailable, "script.unit_ended", "reason", p.reason())
	}
	return &sandbox.End{Status: 1, Error: e}
}

// unitNotStarted explains the exit statuses of systemd itself, when it could not even
// execute the program; systemd.exec(5) lists them.
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

// StopBuild ends a build with all that it started, and returns when it has
// ended. It is a success when it doesn't run. How it failed is forgotten.
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
