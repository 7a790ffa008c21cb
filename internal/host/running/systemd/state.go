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

// State returns the state of a server and the reason for it.
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

// List returns the servers that are up.
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

// units returns the status of units in the order of names. A unit that isn't loaded is inactive.
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

// stateOf derives a server's state from its unit. A unit that waits for its mount is inactive and has a
// job.
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

// settled reports whether a unit neither runs nor has a pending job.
func settled(u dbus.UnitStatus) bool {
	return u.JobType == "" && (u.ActiveState == "inactive" || u.ActiveState == "failed")
}

// failure returns why a server's unit failed, as reported by its shim if possible, otherwise by
// systemd.
func (s *Supervisor) failure(ctx context.Context, n left4me.Name) (*left4me.Error, error) {
	p, reported, err := s.failed(ctx, n)
	if err != nil || reported == nil {
		return p.reason(), err
	}
	return reported.Reason(), nil
}

// GaveUp reports whether a failed server ended so often that neither its shim nor systemd restarts it.
func (s *Supervisor) GaveUp(ctx context.Context, n left4me.Name) (bool, error) {
	if !n.Valid() {
		return false, invalid(n)
	}
	p, reported, err := s.failed(ctx, n)
	if err != nil || reported == nil {
		return p.gaveUp(), err
	}
	return reported.GaveUp, nil
}

// failed returns systemd's properties of a failed unit and the failure recorded by its shim; nil if the
// shim recorded none.
func (s *Supervisor) failed(ctx context.Context, n left4me.Name) (properties, *shim.Failure, error) {
	p, err := s.properties(ctx, serverUnit+string(n)+suffix)
	if f, ok := shim.LastFailure(s.cfg.Run, n); ok && err == nil && !f.At.Before(p.Started) {
		return p, &f, nil
	}
	return p, nil, err
}

// properties describe how a service ended.
type properties struct {
	Result  string
	Code    int32     // ExecMainCode: CLD_EXITED, CLD_KILLED…
	Status  int32     // ExecMainStatus: exit status or signal
	Started time.Time // ExecMainStartTimestamp
	Text    string    // StatusText: last status of its process

	Restarts uint32        // NRestarts: automatic restarts since the last requested start
	Burst    uint32        // StartLimitBurst: maximum number of starts in Interval
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

// reason returns why the unit doesn't run.
func (p properties) reason() *left4me.Error {
	if p.gaveUp() {
		seconds := int(math.Round(p.Interval.Seconds()))
		return left4me.NewError(left4me.Unavailable, "unit.gave_up", "count", p.Burst, "seconds", seconds, "error", p.ending())
	}
	return p.ending()
}

// gaveUp reports whether systemd no longer restarts the unit. Result doesn't show that (systemd 252 and
// 257): it keeps the value of the last run. NRestarts includes the refused restart, so at that point it
// equals the limit. Results to which Restart=on-abnormal doesn't apply never cause a restart.
func (p properties) gaveUp() bool {
	return p.Burst > 0 && p.Restarts >= p.Burst && p.Result != "exit-code" && p.Result != "success"
}

// ending describes how the last run ended. The results are documented in systemd.exec(5) and
// systemd.service(5).
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
	const exited = 1 // CLD_EXITED; all other codes mean a signal
	switch {
	case p.Code == exited:
		return p.exitStatus()
	case p.Status > 0:
		return left4me.NewError(kind, "unit.signal", "signal", unix.SignalName(syscall.Signal(p.Status)))
	}
	return left4me.NewError(kind, "unit.failed", "result", p.Result)
}

// exitStatus explains the exit statuses that systemd uses when it could not execute the program; see
// systemd.exec(5).
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
