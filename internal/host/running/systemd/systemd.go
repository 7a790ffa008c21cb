// Package systemd is the supervisor for hosts on which left4me's units are installed. Each server is a
// unit left4me-server@NAME, which mounts the server's stack and unmounts it again.
//
// The package talks to systemd over D-Bus as an ordinary user whom a polkit rule allows to start and
// stop these units and nothing else. It holds no state: every answer comes from systemd. A lost bus
// connection is re-established, and every call has a deadline.
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

// The prefixes of the units of one server.
const (
	serverUnit  = "left4me-server@"
	mountUnit   = "left4me-mount@"
	unmountUnit = "left4me-unmount@"
	emptyUnit   = "left4me-empty@"

	suffix = ".service"
)

// callWithin limits the time for one answer of systemd.
const callWithin = 10 * time.Second

// callsAtOnce limits concurrent calls. systemd handles them one at a time, and the bus refuses the
// 129th unanswered call of a connection.
const callsAtOnce = 16

// Config locates the root and the sockets. It must match the installed units.
type Config struct {
	Root instance.Root
	Run  string // directory of the shims' sockets
}

// Supervisor starts and stops units. Its methods may be called concurrently.
type Supervisor struct {
	cfg   Config
	calls chan struct{} // semaphore for calls in progress
	dials chan struct{} // held while connecting to the bus

	mu   sync.Mutex // never held during a call
	conn *dbus.Conn // nil before the first call and after the connection was lost
}

// New returns a Supervisor. The error says why systemd doesn't answer.
func New(ctx context.Context, cfg Config) (*Supervisor, error) {
	s := unconnected(cfg)
	_, err := s.List(ctx)
	return s, err
}

func unconnected(cfg Config) *Supervisor {
	return &Supervisor{cfg: cfg, calls: make(chan struct{}, callsAtOnce), dials: make(chan struct{}, 1)}
}

// Close closes the connection. Servers continue to run.
func (s *Supervisor) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

// Available returns why servers can't run as units on this host, or nil if they can: there is no system
// bus, left4me's units are not installed or belong to another root, or this user may not start them.
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

// sameRoot compares the units' root and socket directory with ours: a second left4me next to the
// installed one must not start the installed one's servers.
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

// allowed checks permissions with a request that changes nothing: to reset the failure of a unit that
// doesn't run. It calls the unit object, which loads the unit, because systemd checks no permissions
// for units that aren't loaded.
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

// call makes one request over the bus. It retries when the bus connection was lost or systemd was not
// on the bus; all requests of this package can be repeated safely.
func (s *Supervisor) call(ctx context.Context, f func(context.Context, *dbus.Conn) error) error {
	select {
	case s.calls <- struct{}{}:
		defer func() { <-s.calls }()
	case <-ctx.Done():
		return explain(ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	for retry := true; ; {
		conn, err := s.connect(ctx)
		if err != nil {
			return explain(err)
		}
		err = f(ctx, conn)
		switch {
		case err == nil || ctx.Err() != nil:
			return explain(err)
		case !conn.Connected():
			if !retry {
				return explain(err)
			}
			retry = false
			s.drop(conn)
		case !away(err):
			return explain(err)
		}
		if sleep.For(ctx, firstPoll) != nil {
			return explain(err)
		}
	}
}

// away reports whether systemd left the bus before it answered, or isn't on the bus. That happens while
// it re-executes itself (systemctl daemon-reexec, an upgrade of its package); pending requests are
// lost.
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
	if conn := s.connected(); conn != nil { // another call has already connected
		return conn, nil
	}
	// The connection lives as long as the context it is created with. ctx only limits the time for
	// connecting.
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

// connected returns the current connection, or nil.
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

// explain turns an error of the bus into one that users can act on.
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

// Ready reports to systemd that this process has started, if it is the main process of a unit with
// Type=notify.
func Ready() { _, _ = daemon.SdNotify(false, daemon.SdNotifyReady) }

// Tell sets the status text of the unit whose main process this is. [Supervisor.Empty] reports it if
// the unit fails.
func Tell(status string) {
	_, _ = daemon.SdNotify(false, "STATUS="+strings.ReplaceAll(status, "\n", " "))
}

func invalid(n left4me.Name) error {
	return left4me.NewError(left4me.Invalid, "name.not_a_name", "name", n).InField("name")
}
