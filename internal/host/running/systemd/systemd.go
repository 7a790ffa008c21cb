// Package systemd is the supervisor for machines where our units are installed:
// each server is left4me-server@NAME, which brings its mount and takes it away
// again.
//
// It asks the system's systemd over D-Bus, as an ordinary user whom a polkit
// rule lets start and stop these units and nothing else. It remembers nothing:
// every answer is systemd's. A bus that was lost is connected to again, and no
// call waits longer than its deadline.
package systemd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

// The units of one server, before its name.
const (
	serverUnit  = "left4me-server@"
	mountUnit   = "left4me-mount@"
	unmountUnit = "left4me-unmount@"
	emptyUnit   = "left4me-empty@"

	suffix = ".service"
)

// callWithin is the longest that systemd may take for one answer.
const callWithin = 10 * time.Second

// callsAtOnce bounds what systemd is asked at once: it does one thing at a time,
// and the bus refuses a connection its 129th call without an answer.
const callsAtOnce = 16

// Config says where things are. It has to agree with what is in the units.
type Config struct {
	Root instance.Root
	Run  string // directory of the shims' sockets
}

// Supervisor starts and stops units. Its methods may be called concurrently.
type Supervisor struct {
	cfg   Config
	calls chan struct{} // holds one for each that is under way
	dials chan struct{} // holds one while the bus is being connected to

	mu   sync.Mutex // held for moments
	conn *dbus.Conn // nil before the first call, and after the bus was lost
}

// New makes a Supervisor. The error says why systemd doesn't answer.
func New(ctx context.Context, cfg Config) (*Supervisor, error) {
	s := unconnected(cfg)
	_, err := s.List(ctx)
	return s, err
}

func unconnected(cfg Config) *Supervisor {
	return &Supervisor{cfg: cfg, calls: make(chan struct{}, callsAtOnce), dials: make(chan struct{}, 1)}
}

// Close ends the connection. The servers run on.
func (s *Supervisor) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

// Available says why servers can't be units here, or nil: there is no system
// bus, our units are not installed or are for another root, or this user may not
// start them.
func Available(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	s := unconnected(cfg)
	defer s.Close()
	for _, unit := range []string{serverUnit, mountUnit, unmountUnit, emptyUnit} {
		var files []dbus.UnitFile
		err := s.call(ctx, func(ctx context.Context, c *dbus.Conn) (err error) {
			files, err = c.ListUnitFilesByPatternsContext(ctx, nil, []string{unit + suffix})
			return err
		})
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return left4me.NewError(left4me.Unavailable, "systemd.unit_missing", "unit", unit+suffix)
		}
	}
	if err := s.sameRoot(ctx); err != nil {
		return err
	}
	return allowed(ctx)
}

// sameRoot compares where the units expect a server with where we do: a second
// left4me beside the one that is installed must not start its servers.
func (s *Supervisor) sameRoot(ctx context.Context) error {
	var env []string
	err := s.call(ctx, func(ctx context.Context, c *dbus.Conn) error {
		p, err := c.GetUnitTypePropertyContext(ctx, serverUnit+"left4me"+suffix, "Service", "Environment")
		if err == nil {
			env, _ = p.Value.Value().([]string)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, want := range []string{"LEFT4ME_ROOT=" + string(s.cfg.Root), "LEFT4ME_RUN=" + s.cfg.Run} {
		if !slices.Contains(env, want) {
			return left4me.NewError(left4me.Unavailable, "systemd.other_root", "root", want, "have", strings.Join(env, " "))
		}
	}
	return nil
}

// allowed asks systemd for something that changes nothing: to forget a failure
// of a unit that doesn't run. It is asked by its object, which loads the unit:
// for one that isn't loaded permissions are not checked.
func allowed(ctx context.Context) error {
	conn, err := godbus.ConnectSystemBus(godbus.WithContext(ctx))
	if err != nil {
		return explain(err)
	}
	defer conn.Close()
	path := "/org/freedesktop/systemd1/unit/" + dbus.PathBusEscape(emptyUnit+"left4me"+suffix)
	unit := conn.Object("org.freedesktop.systemd1", godbus.ObjectPath(path))
	return explain(unit.CallWithContext(ctx, "org.freedesktop.systemd1.Unit.ResetFailed", 0).Err)
}

// call has one thing done over the bus, and again when the bus was lost meanwhile
// or systemd was not on it: nothing that is asked here is different for being
// asked twice.
func (s *Supervisor) call(ctx context.Context, f func(context.Context, *dbus.Conn) error) error {
	select {
	case s.calls <- struct{}{}:
		defer func() { <-s.calls }()
	case <-ctx.Done():
		return explain(ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	for again := true; ; {
		conn, err := s.connect(ctx)
		if err != nil {
			return explain(err)
		}
		err = f(ctx, conn)
		switch {
		case err == nil || ctx.Err() != nil:
			return explain(err)
		case !conn.Connected():
			if !again {
				return explain(err)
			}
			again = false
			s.drop(conn)
		case !away(err):
			return explain(err)
		}
		if sleep.For(ctx, firstPoll) != nil {
			return explain(err)
		}
	}
}

// away reports whether systemd left the bus before it answered, or is not on it:
// it does so while it executes itself again (systemctl daemon-reexec, an upgrade
// of its package), and takes what it was asked with it.
func away(err error) bool {
	var answer godbus.Error
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.Name {
	case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
		return true
	}
	return false
}

func (s *Supervisor) connect(ctx context.Context) (*dbus.Conn, error) {
	if conn := s.connected(); conn != nil {
		return conn, nil
	}
	select {
	case s.dials <- struct{}{}:
		defer func() { <-s.dials }()
	case <-ctx.Done():
		return nil, fmt.Errorf("system bus: %w", ctx.Err())
	}
	if conn := s.connected(); conn != nil { // another call was faster
		return conn, nil
	}
	// The connection lives as long as the context that it is made with; ctx
	// bounds only how long that takes.
	life, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, cancel)
	conn, err := dbus.NewSystemConnectionContext(life)
	if !stop() && err == nil {
		conn.Close()
		err = ctx.Err()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("system bus: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = conn
	return conn, nil
}

// connected is the connection, if there is one.
func (s *Supervisor) connected() *dbus.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil || !s.conn.Connected() {
		return nil
	}
	return s.conn
}

func (s *Supervisor) drop(conn *dbus.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn.Close()
	if s.conn == conn {
		s.conn = nil
	}
}

// explain makes an answer of the bus one that a person can act on.
func explain(err error) error {
	var answer godbus.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &answer), away(err):
		return left4me.NewError(left4me.Unavailable, "systemd.no_answer", "reason", err.Error()).Because(err)
	}
	name := answer.Name[strings.LastIndexByte(answer.Name, '.')+1:]
	switch name {
	case "AccessDenied", "InteractiveAuthorizationRequired", "NotAuthorized":
		return left4me.NewError(left4me.Denied, "systemd.denied").Because(err)
	case "NoSuchUnit", "LoadFailed":
		return left4me.NewError(left4me.Unavailable, "systemd.refused", "reason", answer.Error()).Because(err)
	}
	return fmt.Errorf("systemd: %w", err)
}

// Ready tells systemd that this process has started, if it is the main one of a
// unit that waits for that.
func Ready() { _, _ = daemon.SdNotify(false, daemon.SdNotifyReady) }

// Tell puts a line into the status of the unit that this process is the main
// one of: what [Supervisor.Empty] shows when it fails.
func Tell(status string) {
	_, _ = daemon.SdNotify(false, "STATUS="+strings.ReplaceAll(status, "\n", " "))
}

func invalid(n left4me.Name) error {
	return left4me.NewError(left4me.Invalid, "name.not_a_name", "name", n).InField("name")
}
