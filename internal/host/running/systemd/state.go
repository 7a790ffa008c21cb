package systemd

import (
	"context"
	"fmt"
	"math"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// State tells how a server is, and why.
func (s *Supervisor) State(ctx context.Context, n left4me.Name) (left4me.ServerState, *left4me.Error, error) {
	if !n.Valid() {
		return "", nil, invalid(n)
	}
	u, err := s.units(ctx, serverUnit+string(n)+suffix)
	if err != nil {
		return "", nil, err
	}
	state := stateOf(u[0])
	switch {
	case state == left4me.Failed:
		reason, err := s.failure(ctx, n)
		return state, reason, err
	case strings.HasPrefix(u[0].SubState, "auto-restart"):
		return state, left4me.NewError(left4me.Unavailable, "state.shim_ended_and_starts"), nil
	}
	return state, nil, nil
}

// List gives every server that has something alive.
func (s *Supervisor) List(ctx context.Context) ([]left4me.Name, error) {
	var all []dbus.UnitStatus
	err := s.call(ctx, func(ctx context.Context, c *dbus.Conn) (err error) {
		all, err = c.ListUnitsByPatternsContext(ctx, nil, []string{serverUnit + "*" + suffix})
		return err
	})
	if err != nil {
		return nil, err
	}
	var names []left4me.Name
	for _, u := range all {
		n := left4me.Name(strings.TrimSuffix(strings.TrimPrefix(u.Name, serverUnit), suffix))
		if n.Valid() && stateOf(u).Up() {
			names = append(names, n)
		}
	}
	return names, nil
}

// units tells how units are, in the order of their names; one that isn't loaded
// is inactive.
func (s *Supervisor) units(ctx context.Context, names ...string) ([]dbus.UnitStatus, error) {
	var found []dbus.UnitStatus
	err := s.call(ctx, func(ctx context.Context, c *dbus.Conn) (err error) {
		found, err = c.ListUnitsByNamesContext(ctx, names)
		return err
	})
	if err == nil && len(found) != len(names) {
		err = fmt.Errorf("systemd: %d answers for %d units", len(found), len(names))
	}
	return found, err
}

// stateOf says what a server's unit says of it. A unit that waits for its mount
// is inactive, with a job.
func stateOf(u dbus.UnitStatus) left4me.ServerState {
	switch {
	case u.JobType == "stop" && u.ActiveState != "inactive":
		return left4me.Stopping
	case u.ActiveState == "active", u.ActiveState == "reloading", u.ActiveState == "refreshing":
		return left4me.Running
	case u.ActiveState == "activating":
		return left4me.Starting
	case u.ActiveState == "deactivating":
		return left4me.Stopping
	case u.JobType == "start" || u.JobType == "restart":
		return left4me.Starting
	case u.ActiveState == "failed":
		return left4me.Failed
	}
	return left4me.Stopped
}

// settled reports whether nothing of a unit is under way or runs.
func settled(u dbus.UnitStatus) bool {
	return u.JobType == "" && (u.ActiveState == "inactive" || u.ActiveState == "failed")
}

// failure says why a server's unit failed: in the words of its shim, if it came
// to saying anything.
func (s *Supervisor) failure(ctx context.Context, n left4me.Name) (*left4me.Error, error) {
	p, said, err := s.failed(ctx, n)
	if err != nil || said == nil {
		return p.reason(), err
	}
	return said.Reason(), nil
}

// GaveUp reports whether a server that failed ended so often that neither its
// shim nor systemd starts it again.
func (s *Supervisor) GaveUp(ctx context.Context, n left4me.Name) (bool, error) {
	if !n.Valid() {
		return false, invalid(n)
	}
	p, said, err := s.failed(ctx, n)
	if err != nil || said == nil {
		return p.gaveUp(), err
	}
	return said.GaveUp, nil
}

// failed is what systemd knows of a unit that failed, and what its shim said; nil
// when it came to saying nothing.
func (s *Supervisor) failed(ctx context.Context, n left4me.Name) (properties, *shim.Failure, error) {
	p, err := s.properties(ctx, serverUnit+string(n)+suffix)
	if f, ok := shim.LastFailure(s.cfg.Run, n); ok && err == nil && !f.At.Before(p.Started) {
		return p, &f, nil
	}
	return p, nil, err
}

// properties are what systemd knows of how a service ended.
type properties struct {
	Result  string
	Code    int32     // ExecMainCode: CLD_EXITED, CLD_KILLED…
	Status  int32     // ExecMainStatus: exit status or signal
	Started time.Time // ExecMainStartTimestamp
	Text    string    // StatusText: what its process said last

	Restarts uint32        // NRestarts: how often systemd started it again, since somebody asked for a start
	Burst    uint32        // StartLimitBurst: this many starts in Interval are the last
	Interval time.Duration // StartLimitIntervalUSec
}

func (s *Supervisor) properties(ctx context.Context, unit string) (properties, error) {
	var all map[string]any
	err := s.call(ctx, func(ctx context.Context, c *dbus.Conn) (err error) {
		all, err = c.GetAllPropertiesContext(ctx, unit)
		return err
	})
	var p properties
	p.Result, _ = all["Result"].(string)
	p.Code, _ = all["ExecMainCode"].(int32)
	p.Status, _ = all["ExecMainStatus"].(int32)
	p.Text, _ = all["StatusText"].(string)
	started, _ := all["ExecMainStartTimestamp"].(uint64)
	p.Started = time.UnixMicro(int64(started))
	p.Restarts, _ = all["NRestarts"].(uint32)
	p.Burst, _ = all["StartLimitBurst"].(uint32)
	interval, _ := all["StartLimitIntervalUSec"].(uint64)
	p.Interval = time.Duration(interval) * time.Microsecond
	return p, err
}

// reason says why the unit isn't there.
func (p properties) reason() *left4me.Error {
	if p.gaveUp() {
		seconds := int(math.Round(p.Interval.Seconds()))
		return left4me.NewError(left4me.Unavailable, "unit.gave_up", "count", p.Burst, "seconds", seconds, "error", p.ending())
	}
	return p.ending()
}

// gaveUp reports whether systemd stopped starting it again. Result doesn't say so
// (systemd 252 and 257): it stays the one of the last run. systemd counts the
// restart that it refuses, so that NRestarts is as large as the limit then; it has
// refused none of a unit that Restart=on-abnormal doesn't concern.
func (p properties) gaveUp() bool {
	return p.Burst > 0 && p.Restarts >= p.Burst && p.Result != "exit-code" && p.Result != "success"
}

// ending says how the last run ended. The results are those of systemd.exec(5)
// and systemd.service(5).
func (p properties) ending() *left4me.Error {
	const kind = left4me.Unavailable
	switch p.Result {
	case "start-limit-hit":
		return left4me.NewError(kind, "unit.ended_too_often")
	case "timeout":
		return left4me.NewError(kind, "unit.timeout")
	case "oom-kill":
		return left4me.NewError(kind, "unit.no_memory")
	case "watchdog":
		return left4me.NewError(kind, "unit.hung")
	case "resources":
		return left4me.NewError(kind, "unit.no_resources")
	case "protocol":
		return left4me.NewError(kind, "unit.ended_before_ready")
	}
	const exited = 1 // CLD_EXITED; everything else is a signal
	switch {
	case p.Code == exited:
		return p.exitStatus()
	case p.Status > 0:
		return left4me.NewError(kind, "unit.signal", "signal", unix.SignalName(syscall.Signal(p.Status)))
	}
	return left4me.NewError(kind, "unit.failed", "result", p.Result)
}

// exitStatus explains the exit statuses of systemd itself, when it could not even
// execute the program; systemd.exec(5) lists them.
func (p properties) exitStatus() *left4me.Error {
	switch p.Status {
	case 203:
		return left4me.NewError(left4me.Unavailable, "unit.not_executed", "status", p.Status)
	case 216, 217:
		return left4me.NewError(left4me.Unavailable, "unit.no_user", "status", p.Status)
	case 226:
		return left4me.NewError(left4me.Unavailable, "unit.no_directory", "status", p.Status)
	}
	return left4me.NewError(left4me.Unavailable, "unit.exit_status", "status", p.Status)
}
