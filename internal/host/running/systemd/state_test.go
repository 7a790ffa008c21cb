package systemd

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

func TestUnitStateMapsToServerState(t *testing.T) {
	for _, c := range []struct {
		active, sub, job string
		want             left4me.ServerState
		settled          bool
	}{
		{"inactive", "dead", "", left4me.Stopped, true},
		{"inactive", "dead", "start", left4me.Starting, false}, // waiting for its mount
		{"failed", "failed", "start", left4me.Starting, false},
		{"failed", "failed", "", left4me.Failed, true},
		{"activating", "start", "start", left4me.Starting, false},
		{"activating", "auto-restart", "", left4me.Starting, false},
		{"active", "running", "", left4me.Running, false},
		{"active", "running", "stop", left4me.Stopping, false},
		{"active", "exited", "", left4me.Running, false},
		{"deactivating", "stop-sigterm", "stop", left4me.Stopping, false},
		{"deactivating", "final-sigterm", "", left4me.Stopping, false},
	} {
		u := dbus.UnitStatus{ActiveState: c.active, SubState: c.sub, JobType: c.job}
		if got := stateOf(u); got != c.want {
			t.Errorf("%s/%s with job %q is %s, want %s", c.active, c.sub, c.job, got, c.want)
		}
		if got := settled(u); got != c.settled {
			t.Errorf("%s/%s with job %q: settled = %v", c.active, c.sub, c.job, got)
		}
	}
}

func TestReasonDescribesFailedUnit(t *testing.T) {
	for _, c := range []struct {
		p    properties
		want string
	}{
		{properties{Result: "exit-code", Code: 1, Status: 1}, "the unit's process failed with exit status 1"},
		{
			properties{Result: "exit-code", Code: 1, Status: 203},
			"the unit's process could not be started (exit status 203): the program left4me could not be executed",
		},
		{properties{Result: "signal", Code: 2, Status: 9}, "the unit's process was killed by SIGKILL"},
		{properties{Result: "core-dump", Code: 3, Status: 11}, "the unit's process was killed by SIGSEGV"},
		{properties{Result: "start-limit-hit", Code: 2, Status: 9}, "the unit ended too often in a short time"},
		{properties{Result: "timeout"}, "the unit did not start or stop in time"},
		{
			properties{Result: "signal", Code: 2, Status: 9, Restarts: 5, Burst: 5, Interval: time.Minute},
			"the unit ended 5 times within 60 s; the last time: the unit's process was killed by SIGKILL",
		},
		{
			properties{Result: "signal", Code: 2, Status: 9, Restarts: 4, Burst: 5, Interval: time.Minute},
			"the unit's process was killed by SIGKILL",
		},
		{
			properties{Result: "signal", Code: 2, Status: 9, Restarts: 40, Burst: 5, Interval: time.Minute},
			"the unit ended 5 times within 60 s; the last time: the unit's process was killed by SIGKILL",
		},
		{
			properties{Result: "exit-code", Code: 1, Status: 1, Restarts: 5, Burst: 5, Interval: time.Minute},
			"the unit's process failed with exit status 1",
		},
		{properties{Result: "signal", Code: 2, Status: 9}, "the unit's process was killed by SIGKILL"}, // without a start limit
		{properties{Result: "something-new"}, "the unit failed: something-new"},
	} {
		if got := c.p.reason().Text; got != c.want {
			t.Errorf("%+v: got %q, want %q", c.p, got, c.want)
		}
	}
}

func TestExplainMapsBusErrorsToKinds(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind left4me.Kind
	}{
		{godbus.Error{Name: "org.freedesktop.DBus.Error.AccessDenied"}, left4me.Denied},
		{godbus.Error{Name: "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"}, left4me.Denied},
		{godbus.Error{Name: "org.freedesktop.systemd1.NoSuchUnit", Body: []any{"Unit x not found."}}, left4me.Unavailable},
		{godbus.ErrClosed, left4me.Unavailable},
		{io.EOF, left4me.Unavailable},
		{context.DeadlineExceeded, left4me.Unavailable},
	} {
		err := explain(c.err)
		public, ok := left4me.Public(err)
		if !ok || public.Kind != c.kind || public.Hint == "" || !errors.Is(err, c.err) && public.Err == nil {
			t.Errorf("explain(%v) = %#v", c.err, err)
		}
	}
	if err := explain(nil); err != nil {
		t.Errorf("explain(nil) = %v", err)
	}
}

func TestInvalidNamesAreRefusedBeforeCallingSystemd(t *testing.T) {
	s := &Supervisor{cfg: Config{Root: instance.Root(t.TempDir())}}
	ctx := context.Background()
	for _, n := range []left4me.Name{"", "../etc", "A", "-x", `\x2f`, "a.b", "a@b", left4me.Name(strings.Repeat("a", 65))} {
		_, _, state := s.State(ctx, n)
		for _, err := range []error{s.Start(ctx, n), s.Stop(ctx, n), s.Empty(ctx, n), s.Discard(ctx, n, []string{"x"}), state} {
			if !errors.Is(err, left4me.Invalid) {
				t.Errorf("name %q: got %v, want Invalid", n, err)
			}
		}
	}
	if s.conn != nil {
		t.Error("a bus connection was opened")
	}
}

func TestAvailableExplainsMissingBus(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/none")
	err := Available(context.Background(), Config{})
	public, ok := left4me.Public(err)
	if !ok || public.Kind != left4me.Unavailable || !strings.Contains(public.Hint, "D-Bus system bus") {
		t.Errorf("without a bus: %v", err)
	}
}

// A bus that accepts a connection and never answers keeps the first call waiting until its deadline. A
// second call that is cancelled must not wait for the first.
func TestCancelledCallDoesNotWaitForTheBus(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+socket)
	s := unconnected(Config{})
	first, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _, _ = s.State(first, "alpha")
	}()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, _, err := s.State(ctx, "beta"); err == nil || time.Since(begin) > callWithin/2 {
		t.Errorf("second call: got %v after %v", err, time.Since(begin))
	}
	end()
	conn.Close()
	<-ended
}
