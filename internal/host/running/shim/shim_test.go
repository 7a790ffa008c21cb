package shim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/rcon"
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

// server is a running shim.
type server struct {
	*shimtest.Root
	t    testing.TB
	cmd  *exec.Cmd
	done chan struct{} // closed when the shim has ended
}

// start starts the shim of a root and waits until it listens or has ended.
func start(t testing.TB, r *shimtest.Root, env ...string) *server {
	t.Helper()
	s := launch(t, r, true, env...)
	shimtest.Until(t, "the shim listens", func() bool {
		select {
		case <-s.done:
			return true
		default:
		}
		c, err := shim.Dial(t.Context(), shim.Socket(r.Run, r.Name))
		if err != nil {
			return false
		}
		defer c.Close()
		st, err := c.Status(t.Context())
		return err == nil && st.ShimPID == s.cmd.Process.Pid
	})
	return s
}

func launch(t testing.TB, r *shimtest.Root, isolate bool, env ...string) *server {
	t.Helper()
	s := &server{Root: r, t: t, cmd: exec.Command(shimtest.Exe(), "run", string(r.Name)), done: make(chan struct{})}
	s.cmd.Env = r.Environ(env...)
	var words strings.Builder
	s.cmd.Stderr = &words
	if isolate {
		if err := shim.Isolate(s.cmd); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.done)
		_ = s.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		<-s.done
		if strings.Contains(words.String(), "DATA RACE") || strings.Contains(words.String(), "panic:") {
			t.Errorf("the shim: %s", words.String())
		}
		if t.Failed() {
			k, _ := shim.ReadLog(r.Files.Root.Logs(r.Name), -1, 32<<10)
			t.Logf("console:\n%s\nshim: %s", k.Lines, words.String())
		}
	})
	return s
}

// running starts a server and waits until it is ready.
func running(t testing.TB, env ...string) (*server, *shim.Client) {
	t.Helper()
	s := start(t, shimtest.NewRoot(t), env...)
	c := s.Dial(t)
	s.await(c, "the server runs", func(st shim.Status) bool { return st.State == left4me.Running })
	return s, c
}

// await watches a server's status until want returns true.
func (s *server) await(c *shim.Client, what string, want func(shim.Status) bool) shim.Status {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), shimtest.Patience)
	defer cancel()
	for rev := int64(-1); ; {
		st, err := c.Watch(ctx, rev)
		if err != nil {
			s.t.Fatalf("waiting until %s: %v", what, err)
		}
		if want(st) {
			return st
		}
		if st.State == left4me.Failed {
			s.t.Fatalf("waiting until %s: the server failed: %s", what, st.Reason)
		}
		rev = st.Rev
	}
}

// ended waits until the shim has ended and returns its recorded failure, if any.
func (s *server) ended() (shim.Failure, bool) {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(shimtest.Patience):
		s.t.Fatal("the shim did not end")
	}
	return shim.LastFailure(s.Run, s.Name)
}

// says reads the console until a line contains text and returns everything up to there.
func (s *server) says(c *shim.Client, text string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), shimtest.Patience)
	defer cancel()
	var all strings.Builder
	for at := int64(0); ; {
		k, err := c.Read(ctx, at, time.Second, shim.MaxChunk)
		if err != nil {
			s.t.Fatalf("waiting for console line with %q: %v", text, err)
		}
		all.WriteString(k.Lines)
		if strings.Contains(k.Lines, text) {
			return all.String()
		}
		at = k.Position
	}
}

func (s *server) types(c *shim.Client, line string) {
	s.t.Helper()
	if err := c.Write(s.t.Context(), line); err != nil {
		s.t.Fatalf("Write(%s): %v", line, err)
	}
}

func TestServerBecomesReadyRunsCommandsAndStops(t *testing.T) {
	t.Parallel()
	s, c := running(t)
	st, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st.Port != s.Port || st.Want != s.Port || st.Name != s.Name || !shimtest.Alive(st.PID) || st.SpecHash != s.Spec.Hash() ||
		st.StartedAt.IsZero() {
		t.Errorf("status: %+v", st)
	}
	if c.PID() != s.cmd.Process.Pid {
		t.Errorf("peer PID = %d, want %d", c.PID(), s.cmd.Process.Pid)
	}
	s.types(c, "echo it is heard")
	s.says(c, "it is heard")
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f, failed := s.ended(); failed {
		t.Errorf("unexpected failure: %+v", f)
	}
	if shimtest.Alive(st.PID) {
		t.Error("the game still runs")
	}
	if _, err := os.Lstat(shim.Socket(s.Run, s.Name)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket still exists: %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(s.Files.Root.Runtime(s.Name), "work")); err != nil || len(left) > 0 {
		t.Errorf("files left in work: %v, %v", left, err)
	}
}

func TestGameIsUnprivilegedInPrivateMountNamespace(t *testing.T) {
	t.Parallel()
	s, c := running(t)
	st, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", st.PID))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"CapInh:\t0000000000000000\n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
		"CapAmb:\t0000000000000000\n", "NoNewPrivs:\t1\n", fmt.Sprintf("Uid:\t%d\t", os.Geteuid()),
	} {
		if !strings.Contains(string(b), line) {
			t.Errorf("no %q in status:\n%s", line, b)
		}
	}
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", st.PID))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(env), "LEFT4ME_") {
		t.Errorf("the game's environment has our variables: %q", env)
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(table), string(s.Root.Root)) {
		t.Error("the mount is in the mount table of the host")
	}
	inside, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", st.PID))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(inside), s.Files.Root.Merged(s.Name)+" ") {
		t.Error("the game does not see the mount")
	}
	s.types(c, "sim_file cfg/server.cfg")
	s.says(c, "Written by left4me for server alpha")
}

func TestShimIsolatesItselfIfStartedWithoutNamespace(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	s := launch(t, r, false)
	shimtest.Until(t, "the shim listens", func() bool {
		_, err := os.Lstat(shim.Socket(r.Run, r.Name))
		return err == nil
	})
	c := r.Dial(t)
	s.await(c, "the server runs", func(st shim.Status) bool { return st.State == left4me.Running })
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if f, failed := s.ended(); failed {
		t.Errorf("unexpected failure: %+v", f)
	}
	if _, up := shim.Shim(r.Run, r.Name); up {
		t.Error("the shim inside the namespace still runs")
	}
}

func TestSecondShimIsRefused(t *testing.T) {
	t.Parallel()
	s, c := running(t)
	second := launch(t, s.Root, true)
	<-second.done
	if second.cmd.ProcessState.Success() {
		t.Error("the second shim succeeded")
	}
	if _, failed := shim.LastFailure(s.Run, s.Name); failed {
		t.Error("the failure of the second shim is recorded for the first")
	}
	if st, err := c.Status(t.Context()); err != nil || st.State != left4me.Running {
		t.Errorf("status of the first shim: %+v, %v", st, err)
	}
}

func TestCrashIsRecordedAndGameRestarts(t *testing.T) {
	t.Parallel()
	s, c := running(t, "SIM_CRASH_LIMIT=3")
	before, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.types(c, "sim_crash segv")
	st := s.await(c, "the server runs again", func(st shim.Status) bool { return st.Restarts == 1 && st.State == left4me.Running })
	if st.PID == before.PID || !strings.Contains(st.LastExit, "segmentation fault") || st.LastEnd.IsZero() {
		t.Errorf("status: %+v", st)
	}
	files, err := filepath.Glob(filepath.Join(s.Files.Root.Logs(s.Name), "crashes", "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("crashes: %v, %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var crash struct {
		Signal string
		Uptime time.Duration
		Lines  []string
	}
	if err := json.Unmarshal(b, &crash); err != nil {
		t.Fatal(err)
	}
	if crash.Signal != "SIGSEGV" || crash.Uptime <= 0 || !strings.Contains(strings.Join(crash.Lines, "\n"), "Uploading dump") {
		t.Errorf("crash: %s", b)
	}
}

func TestCrashLoopGivesUpAfterTheLimit(t *testing.T) {
	t.Parallel()
	s := start(t, shimtest.NewRoot(t), "SIM_CRASH_LIMIT=3", "SIM_CRASH_AT_START=abort")
	f, failed := s.ended()
	if !failed || !f.GaveUp || !strings.Contains(f.Error.Text, "crashed 3 times") || !strings.Contains(f.Error.Text, "aborted") {
		t.Errorf("failed = %v, failure %+v", failed, f)
	}
	k, err := shim.ReadLog(s.Files.Root.Logs(s.Name), -1, 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(k.Lines, "left4me: starts on port"); n != 3 {
		t.Errorf("%d starts, want 3", n)
	}
}

func TestHangIsDetectedAndCountsAsCrash(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	r.SetEnv(t, func(e *instance.Env) { e.Watchdog = 2 * time.Second })
	s := start(t, r, "SIM_CRASH_LIMIT=3")
	c := s.Dial(t)
	s.await(c, "the server runs", func(st shim.Status) bool { return st.State == left4me.Running })
	s.types(c, "sim_hang")
	s.await(c, "the server is unresponsive", func(st shim.Status) bool { return st.State == left4me.Unresponsive })
	st := s.await(c, "the server runs again", func(st shim.Status) bool { return st.Restarts == 1 && st.State == left4me.Running })
	if !strings.Contains(st.LastExit, "no answer") {
		t.Errorf("LastExit = %q, want no answer", st.LastExit)
	}
}

func TestGameThatIgnoresQuitAndSIGINTIsKilled(t *testing.T) {
	t.Parallel()
	s, c := running(t, "SIM_IGNORE_QUIT=1", "SIM_IGNORE_SIGINT=1", "SHIM_QUIT_TIME=2s", "SHIM_INTERRUPT_TIME=1s")
	st, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.await(c, "the server is stopping", func(st shim.Status) bool { return st.State == left4me.Stopping })
	if f, failed := s.ended(); failed {
		t.Errorf("unexpected failure: %+v", f)
	}
	if shimtest.Alive(st.PID) {
		t.Error("the game still runs")
	}
	k, err := shim.ReadLog(s.Files.Root.Logs(s.Name), -1, 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"left4me: stops: quit\n", "within 2s: SIGINT\n", "within 1s: SIGKILL\n"} {
		if !strings.Contains(k.Lines, line) {
			t.Errorf("console lacks %q", line)
		}
	}
}

func TestQuitOnLeft4meConsoleStopsServer(t *testing.T) {
	t.Parallel()
	s, c := running(t)
	s.types(c, `echo heard before it; "EXIT"; echo not heard`)
	if f, failed := s.ended(); failed {
		t.Errorf("unexpected failure: %+v", f)
	}
	k, err := shim.ReadLog(s.Files.Root.Logs(s.Name), -1, 64<<10)
	if err != nil || !strings.Contains(k.Lines, "\nheard before it") || strings.Contains(k.Lines, "\nnot heard") ||
		strings.Count(k.Lines, "left4me: starts on port") != 1 {
		t.Errorf("console: %v:\n%s", err, k.Lines)
	}
}

func TestQuitDuringStartStopsServer(t *testing.T) {
	t.Parallel()
	s := start(t, shimtest.NewRoot(t), "SIM_SLOW_START=2")
	c := s.Dial(t)
	s.await(c, "the game runs", func(st shim.Status) bool { return st.PID > 0 })
	s.types(c, "quit")
	if f, failed := s.ended(); failed {
		t.Errorf("unexpected failure: %+v", f)
	}
}

func TestStopOfUnreadyGameTakesAtMost5s(t *testing.T) {
	t.Parallel()
	s := start(t, shimtest.NewRoot(t), "SIM_SLOW_START=60", "SIM_IGNORE_QUIT=1", "SIM_IGNORE_SIGINT=1")
	c := s.Dial(t)
	s.await(c, "the game runs", func(st shim.Status) bool { return st.PID > 0 })
	begin := time.Now()
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f, failed := s.ended(); failed {
		t.Errorf("unexpected failure: %+v", f)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("stop took %v, want at most 5 s", took)
	}
}

func TestUnrequestedCleanExitRestartsGame(t *testing.T) {
	t.Parallel()
	s, c := running(t, "SIM_CRASH_LIMIT=5")
	remote := func(command string) {
		password, err := s.RconPassword(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := rcon.Dial(t.Context(), fmt.Sprintf("127.0.0.1:%d", s.Port), password)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := r.Exec(t.Context(), command); err != nil {
			t.Fatal(err)
		}
	}
	before, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, end := range []func(){
		func() { s.types(c, "_restart") },
		func() { remote("quit") },
		func() { s.types(c, "sim_crash quit") }, // as a plugin does
	} {
		end()
		starts := s.await(c, "the server has ended", func(st shim.Status) bool { return st.Restarts == i+1 })
		if starts.State == left4me.Starting && starts.PID == 0 && (starts.Reason != "the game exited and is restarting" ||
			starts.Why == nil || starts.Why.Code != "state.ended_and_starts") {
			t.Errorf("status after the exit: %+v", starts)
		}
		st := s.await(c, "the server runs again", func(st shim.Status) bool { return st.Restarts == i+1 && st.State == left4me.Running })
		if st.PID == before.PID || st.LastExit != "exit status 0" || st.LastEnd.IsZero() || st.Reason != "" || st.Why != nil {
			t.Errorf("status after the restart: %+v", st)
		}
		before = st
	}
	s.says(c, "left4me: it ended by itself (exit status 0); next start in ")
	if files, err := filepath.Glob(filepath.Join(s.Files.Root.Logs(s.Name), "crashes", "*.json")); err != nil || len(files) > 0 {
		t.Errorf("crashes: %v, %v", files, err)
	}
}

func TestEarlyCleanExitsCountAsCrashes(t *testing.T) {
	t.Parallel()
	s := start(t, shimtest.NewRoot(t), "SIM_CRASH_LIMIT=3", "SIM_CRASH_AT_START=quit")
	f, failed := s.ended()
	if !failed || !strings.Contains(f.Error.Text, "exited 3 times within 60 s of its start") || f.Error.Hint == "" {
		t.Errorf("failed = %v, failure %+v", failed, f)
	}
	k, err := shim.ReadLog(s.Files.Root.Logs(s.Name), -1, 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(k.Lines, "left4me: starts on port"); n != 3 {
		t.Errorf("%d starts, want 3", n)
	}
	files, err := filepath.Glob(filepath.Join(s.Files.Root.Logs(s.Name), "crashes", "*.json"))
	if err != nil || len(files) != 3 {
		t.Fatalf("crashes: %v, %v", files, err)
	}
	for _, name := range files {
		if b, err := os.ReadFile(name); err != nil || strings.Count(string(b), "left4me: starts on port") != 1 {
			t.Errorf("crash record %s: %s, %v", name, b, err)
		}
	}
}

func TestGameOnWrongPortFails(t *testing.T) {
	t.Parallel()
	s := start(t, shimtest.NewRoot(t), "SIM_WRONG_PORT=1")
	f, failed := s.ended()
	if !failed || f.Error.Kind != left4me.Conflict ||
		!strings.Contains(f.Error.Text, fmt.Sprintf("switched to port %d because port %d", s.Port+1, s.Port)) {
		t.Errorf("failed = %v, failure %+v", failed, f)
	}
}

func TestSlowStartBecomesReady(t *testing.T) {
	t.Parallel()
	s := start(t, shimtest.NewRoot(t), "SIM_SLOW_START=2")
	c := s.Dial(t)
	if st, err := c.Status(t.Context()); err != nil || st.State != left4me.Starting {
		t.Errorf("status at first: %+v, %v", st, err)
	}
	st := s.await(c, "the server runs", func(st shim.Status) bool { return st.State == left4me.Running })
	if took := st.Since.Sub(st.StartedAt); took < 2*time.Second {
		t.Errorf("ready after %v, want at least 2 s", took)
	}
}

func TestGameThatNeverAnswersFails(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	r.SetEnv(t, func(e *instance.Env) { e.Ready = time.Second })
	s := start(t, r, "SIM_SLOW_START=60")
	f, failed := s.ended()
	if !failed || !strings.Contains(f.Error.Text, "did not answer queries on port") {
		t.Errorf("failed = %v, failure %+v", failed, f)
	}
}

func TestMissingFirstMapFailsStart(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	r.Spec.Settings.Map = "c99m1_nowhere"
	// A failing +map among the arguments must not be taken for the first map.
	r.Spec.Settings.Args = []string{"+map", "c98m1_other"}
	r.Prepare(t)
	began := time.Now()
	s := start(t, r)
	f, failed := s.ended()
	if !failed || f.Error.Kind != left4me.Invalid || f.Error.Field != "settings.map" ||
		f.Error.Text != "map load failed: c99m1_nowhere not found or invalid" ||
		!strings.Contains(f.Error.Hint, "left4me server maps "+string(r.Name)) {
		t.Errorf("failed = %v, failure %+v", failed, f)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("the failure took %s", took)
	}
}

func TestMissingOtherMapDoesNotFailStart(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	r.Spec.Settings.Args = []string{"+map", "c98m1_other"}
	r.Prepare(t)
	s := start(t, r)
	s.await(s.Dial(t), "the server runs", func(st shim.Status) bool { return st.State == left4me.Running })
}

func TestMissingGameFails(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	for _, name := range []string{"srcds_linux", "srcds_run"} {
		if err := os.Remove(filepath.Join(r.Files.Root.Installation(), "base", name)); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, r)
	f, failed := s.ended()
	if !failed || !strings.Contains(f.Error.Text, "srcds_run could not be started") || f.Error.Hint == "" {
		t.Errorf("failed = %v, failure %+v", failed, f)
	}
}

func TestChildProcessesOfGameEndWithIt(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	r.Wrap(t, "nohup sleep 300 >/dev/null 2>&1 &\necho child $!")
	s := start(t, r)
	c := s.Dial(t)
	s.await(c, "the server runs", func(st shim.Status) bool { return st.State == left4me.Running })
	var child int
	for line := range strings.Lines(s.says(c, "child ")) {
		_, _ = fmt.Sscanf(line, "child %d", &child)
	}
	if child == 0 || !shimtest.Alive(child) {
		t.Fatalf("the game has no live child: %d", child)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.ended()
	shimtest.Until(t, "the child has ended", func() bool { return !shimtest.Alive(child) })
}

func TestServersRunAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	shimtest.AsUser(t, "^Test(ServerBecomes|ServerSurvives|SocketIs|GameIs|Shim|Second|Crash|Child|Console|"+
		"SlowConsole|PortHolder|OldCrash|RestartPolicy|StopTimeouts)")
}
