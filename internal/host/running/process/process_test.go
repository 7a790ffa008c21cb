package process_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/process"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
	"github.com/left4me/left4me/internal/left4me"
)

func TestMain(m *testing.M) {
	code := shimtest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// machine is a root with a supervisor.
type machine struct {
	*shimtest.Root
	*process.Supervisor
	t *testing.T
}

func newMachine(t *testing.T, env ...string) *machine {
	t.Helper()
	t.Parallel()
	r := shimtest.NewRoot(t)
	m := &machine{Root: r, t: t, Supervisor: process.New(process.Config{
		Root: r.Root, Run: r.Run, Exe: shimtest.Exe(), Env: r.Environ(env...),
	})}
	t.Cleanup(func() {
		if err := m.Stop(context.Background(), r.Name); err != nil {
			t.Errorf("stop: %v", err)
		}
		if err := m.Empty(context.Background(), r.Name); err != nil {
			t.Errorf("empty: %v", err)
		}
		if t.Failed() {
			k, _ := shim.ReadLog(r.Files.Root.Logs(r.Name), -1, 32<<10)
			t.Logf("console:\n%s", k.Lines)
		}
	})
	return m
}

func (m *machine) start() {
	m.t.Helper()
	if err := m.Start(m.t.Context(), m.Name); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) state() (left4me.ServerState, string) {
	m.t.Helper()
	state, reason, err := m.State(m.t.Context(), m.Name)
	if err != nil {
		m.t.Fatal(err)
	}
	return state, reason.Said()
}

func (m *machine) await(want left4me.ServerState) (reason string) {
	m.t.Helper()
	shimtest.Until(m.t, "the server is "+string(want), func() bool {
		var state left4me.ServerState
		state, reason = m.state()
		return state == want
	})
	return reason
}

func TestServerStartsAndStops(t *testing.T) {
	m := newMachine(t)
	if state, _ := m.state(); state != left4me.Stopped {
		t.Fatalf("state before the start = %s", state)
	}
	m.start()
	m.await(left4me.Running)
	if names, err := m.List(t.Context()); err != nil || len(names) != 1 || names[0] != m.Name {
		t.Errorf("list: %v, %v", names, err)
	}
	st, err := m.Dial(t).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st.Port != m.Port || st.PID == 0 || st.SpecHash != m.Spec.Hash() {
		t.Errorf("status: %+v", st)
	}
	m.start() // a second time
	if again, err := m.Dial(t).Status(t.Context()); err != nil || again.PID != st.PID {
		t.Errorf("the second start started another game: %+v, %v", again, err)
	}
	if err := m.Stop(t.Context(), m.Name); err != nil {
		t.Fatal(err)
	}
	if state, reason := m.state(); state != left4me.Stopped || reason != "" {
		t.Errorf("state after the stop = %s, %q", state, reason)
	}
	if shimtest.Alive(st.PID) {
		t.Error("the game still runs")
	}
	if left, err := os.ReadDir(m.Run); err != nil || len(left) > 0 {
		t.Errorf("files left in the run directory: %v, %v", left, err)
	}
	if err := m.Stop(t.Context(), m.Name); err != nil {
		t.Errorf("second stop: %v", err)
	}
}

func TestStartNamesHolderOfBusyPort(t *testing.T) {
	m := newMachine(t)
	other, err := net.ListenUDP("udp4", &net.UDPAddr{Port: m.Port})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	err = m.Start(t.Context(), m.Name)
	if !errors.Is(err, left4me.Conflict) || !strings.Contains(err.Error(), fmt.Sprintf("(pid %d)", os.Getpid())) {
		t.Errorf("the error doesn't name this program: %v", err)
	}
	if state, reason := m.state(); state.Up() {
		t.Errorf("state = %s, %q", state, reason)
	}
}

func (m *machine) status() shim.Status {
	m.t.Helper()
	st, err := m.Dial(m.t).Status(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	return st
}

func TestStartAfterKilledShimCleansUp(t *testing.T) {
	m := newMachine(t)
	m.Wrap(t, "setsid sleep 300 >/dev/null 2>&1 </dev/null &\necho child $!")
	m.start()
	m.await(left4me.Running)
	first := m.status()
	child := m.child()
	if err := syscall.Kill(first.ShimPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if reason := m.await(left4me.Failed); reason == "" {
		t.Error("no reason for the failure")
	}
	m.start()
	if shimtest.Alive(first.PID) || shimtest.Alive(child) {
		t.Error("processes of the killed shim still run")
	}
	m.await(left4me.Running)
	if again := m.status(); again.PID == first.PID || again.ShimPID == first.ShimPID {
		t.Errorf("the game or the shim is still the old one: %+v", again)
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(table), string(m.Root.Root)) {
		t.Error("a mount remains")
	}
}

func TestStopAfterKilledShimCleansUp(t *testing.T) {
	m := newMachine(t)
	m.Wrap(t, "setsid sleep 300 >/dev/null 2>&1 </dev/null &\necho child $!")
	m.start()
	m.await(left4me.Running)
	st, child := m.status(), m.child()
	if err := syscall.Kill(st.ShimPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	m.await(left4me.Failed)
	if err := m.Stop(t.Context(), m.Name); err != nil {
		t.Fatal(err)
	}
	if state, reason := m.state(); state != left4me.Stopped {
		t.Errorf("state = %s, %q", state, reason)
	}
	if shimtest.Alive(st.PID) || shimtest.Alive(child) {
		t.Errorf("still running: game %v, child %v", shimtest.Alive(st.PID), shimtest.Alive(child))
	}
}

// child returns the process that the script started.
func (m *machine) child() (pid int) {
	m.t.Helper()
	shimtest.Until(m.t, "the console shows the process ID of the child", func() bool {
		k, err := shim.ReadLog(m.Files.Root.Logs(m.Name), 0, 64<<10)
		if err != nil {
			m.t.Fatal(err)
		}
		for line := range strings.Lines(k.Lines) {
			_, _ = fmt.Sscanf(line, "child %d", &pid)
		}
		return pid != 0
	})
	if !shimtest.Alive(pid) {
		m.t.Fatalf("child process %d is not running", pid)
	}
	return pid
}

func TestStopKillsHungShim(t *testing.T) {
	m := newMachine(t)
	m.Supervisor = process.New(process.Config{
		Root: m.Root.Root, Run: m.Run, Exe: shimtest.Exe(), Env: m.Environ(), StopTime: 500 * time.Millisecond,
	})
	m.start()
	m.await(left4me.Running)
	st := m.status()
	if err := syscall.Kill(st.ShimPID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := m.Stop(t.Context(), m.Name); err != nil {
		t.Fatal(err)
	}
	if shimtest.Alive(st.PID) || shimtest.Alive(st.ShimPID) {
		t.Error("the shim or the game still runs")
	}
}

// parentVar is set in the child process that runs this test as the left4me to be killed.
const parentVar = "PROCESS_TEST_PARENT"

func TestServerSurvivesKillOfLeft4me(t *testing.T) {
	if root := os.Getenv(parentVar); root != "" {
		// This process is the left4me that gets killed. It listens, starts a server, and waits to be
		// killed.
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		sup := process.New(process.Config{
			Root: instance.Root(root),
			Run:  filepath.Join(root, "run"),
			Exe:  shimtest.Exe(),
			Env:  []string{"SIM_PLAYERS=0", "SIM_MAP_LOAD=0"},
		})
		if err := sup.Start(t.Context(), "alpha"); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("listens on %s\n", l.Addr())
		select {}
	}
	m := newMachine(t)
	parent := exec.Command(shimtest.Exe(), "-test.run", "^"+t.Name()+"$")
	parent.Env = append(os.Environ(), parentVar+"="+string(m.Root.Root))
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var address string
	if _, err := fmt.Fscanf(out, "listens on %s\n", &address); err != nil {
		t.Fatalf("no output of the parent: %v", err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out) // ends when no other process has the pipe open
	_ = parent.Wait()

	if names, err := m.List(t.Context()); err != nil || len(names) != 1 {
		t.Errorf("list: %v, %v", names, err)
	}
	m.await(left4me.Running)
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Errorf("the shim has inherited the socket of left4me: %v", err)
	} else {
		l.Close()
	}
	st := m.status()
	if err := m.Start(t.Context(), m.Name); err != nil || m.status().PID != st.PID {
		t.Errorf("start by the successor: %v", err)
	}
	if err := m.Stop(t.Context(), m.Name); err != nil || shimtest.Alive(st.PID) || shimtest.Alive(st.ShimPID) {
		t.Errorf("stop by the successor: %v", err)
	}
}

func TestConcurrentStartsStartOneServer(t *testing.T) {
	m := newMachine(t)
	var group errgroup.Group
	for range 5 {
		group.Go(func() error { return m.Start(t.Context(), m.Name) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	m.await(left4me.Running)
	games, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range games {
		if cwd, err := os.Readlink(g); err == nil && cwd == m.Files.Root.Merged(m.Name) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d games run, want 1", n)
	}
}

func TestStartWaitsForConcurrentStop(t *testing.T) {
	m := newMachine(t, "SIM_IGNORE_QUIT=1", "SHIM_QUIT_TIME=2s")
	m.start()
	m.await(left4me.Running)
	first := m.status()
	var stopping errgroup.Group
	stopping.Go(func() error { return m.Stop(context.Background(), m.Name) })
	m.await(left4me.Stopping)
	m.start()
	if err := stopping.Wait(); err != nil {
		t.Fatal(err)
	}
	m.await(left4me.Running)
	if st := m.status(); st.PID == first.PID {
		t.Error("the stopped game still runs")
	}
}

func TestFailedStartReturnsReason(t *testing.T) {
	m := newMachine(t)
	m.SetEnv(t, func(e *instance.Env) { e.Lowerdirs = append(e.Lowerdirs, "installation/../../etc") })
	err := m.Start(t.Context(), m.Name)
	if err == nil || !strings.Contains(err.Error(), "installation/../../etc") {
		t.Errorf("start: %v", err)
	}
	if state, reason := m.state(); state != left4me.Failed || !strings.Contains(reason, "installation/../../etc") {
		t.Errorf("state = %s, %q", state, reason)
	}
	if err := m.Stop(t.Context(), m.Name); err != nil {
		t.Fatal(err)
	}
	if state, _ := m.state(); state != left4me.Stopped {
		t.Errorf("state after the stop = %s", state)
	}
}

func TestInvalidNamesAreRefused(t *testing.T) {
	m := newMachine(t)
	for _, n := range []left4me.Name{"", "../alpha", "Alpha"} {
		_, _, errState := m.State(t.Context(), n)
		for what, err := range map[string]error{
			"start": m.Start(t.Context(), n), "stop": m.Stop(t.Context(), n), "empty": m.Empty(t.Context(), n), "state": errState,
		} {
			if !errors.Is(err, left4me.Invalid) {
				t.Errorf("%s(%q): got %v, want Invalid", what, n, err)
			}
		}
	}
}

func TestServersRunAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	shimtest.AsUser(t, "^Test(ServerStarts|ServerSurvives|StartNames|StartAfter|StopAfter|Concurrent|Failed|Empty)")
}
