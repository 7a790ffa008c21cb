// Package shimtest helps tests that run real servers. It provides a program that acts as the shim, a
// simulated game, and roots with an instance that is ready to start.
//
// The test program itself acts as the shim: packages that use shimtest call [Main] from their TestMain.
package shimtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/content/sandbox"
	"github.com/left4me/left4me/internal/host/gamefiles/install"
	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/process"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/sim/installation"
	"github.com/left4me/left4me/sim/programs"
)

// Patience is how long tests wait for an expected event.
const Patience = 60 * time.Second

// Environment variables: the directory of the simulated programs, the program that acts as the shim,
// and whether a test runs as an ordinary user.
const simVar, exeVar, userVar = "SHIMTEST_SIM", "SHIMTEST_EXE", "SHIMTEST_USER"

// Main runs the tests, unless the program was started as a shim (PROGRAM run NAME), as the game
// installer (PROGRAM install-game), or as the runner of an overlay's script (PROGRAM build
// --stage=STAGE ID).
func Main(m *testing.M) int {
	if len(os.Args) == 4 && os.Args[1] == "build" {
		if err := runBuild(strings.TrimPrefix(os.Args[2], "--stage="), left4me.Name(os.Args[3])); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	if len(os.Args) == 2 && os.Args[1] == "install-game" {
		if err := runInstall(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	if len(os.Args) == 3 && os.Args[1] == "run" {
		if err := runShim(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	// Tests mostly wait for servers, so run more of them in parallel than there are processors. A flag
	// on the command line overrides this.
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if os.Getenv(simVar) != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "shimtest")
	if err == nil {
		defer os.RemoveAll(dir)
		err = prepare(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// prepare builds the simulated game and copies this program to a place that every user can access.
func prepare(dir string) error {
	sim, err := programs.Build(dir)
	if err != nil {
		return err
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer self.Close()
	name := filepath.Join(dir, "left4me")
	exe, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(exe, self)
	return errors.Join(err, exe.Close(), os.Chmod(dir, 0o755), os.Setenv(simVar, sim), os.Setenv(exeVar, name))
}

func runShim(name string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	cfg := shim.Config{
		Root: instance.Root(os.Getenv("LEFT4ME_ROOT")), Run: os.Getenv("LEFT4ME_RUN"), Name: left4me.Name(name),
		Notify: os.Getenv("NOTIFY_SOCKET"),
	}
	if limit, err := strconv.Atoi(os.Getenv("SIM_CRASH_LIMIT")); err == nil {
		cfg.Policy = shim.Policy{
			Limit: limit, Window: time.Minute, MinUptime: 30 * time.Second, Backoff: 20 * time.Millisecond, MaxBackoff: time.Second,
		}
	}
	if d, err := time.ParseDuration(os.Getenv("SHIM_QUIT_TIME")); err == nil {
		cfg.QuitTime = d
	}
	if d, err := time.ParseDuration(os.Getenv("SHIM_INTERRUPT_TIME")); err == nil {
		cfg.InterruptTime = d
	}
	return shim.Run(ctx, cfg)
}

func runInstall() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return install.Run(ctx, install.Config{
		Root: instance.Root(os.Getenv("LEFT4ME_ROOT")), Run: os.Getenv("LEFT4ME_RUN"),
		Limits: steamcmd.Limits{Tries: 2, Pause: 10 * time.Millisecond},
	})
}

func runBuild(stage string, id left4me.Name) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	root, run := os.Getenv("LEFT4ME_ROOT"), os.Getenv("LEFT4ME_RUN")
	switch stage {
	case process.WatchStage:
		return process.WatchBuild(ctx, root, run, id)
	case process.EnterStage:
		return process.EnterBuild(instance.Root(root), run, id)
	}
	process.EndWithWatcher()
	if end := sandbox.Main(ctx, sandbox.Dir(root, id)); end.Error != nil {
		return end.Error
	}
	return nil
}

// Srcds returns the path of the simulated game.
func Srcds() string { return filepath.Join(os.Getenv(simVar), "srcds") }

// SteamCMD returns the path of the simulated SteamCMD, which installs itself in the directory of its
// first start.
func SteamCMD() string { return filepath.Join(os.Getenv(simVar), "steamcmd") }

// Exe returns the path of the program that acts as the shim.
func Exe() string { return os.Getenv(exeVar) }

// AsUser reruns the given tests of this program as an ordinary user. If the current user isn't root,
// AsUser skips the test.
func AsUser(t *testing.T, tests string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("this is an ordinary user")
	}
	tmp, err := os.MkdirTemp("", "shimtest-user")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	const nobody = 65534
	if err := os.Chown(tmp, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(Exe(), "-test.v", "-test.run", tests)
	cmd.Dir = tmp
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "HOME="+tmp, userVar+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Fatalf("as an ordinary user: %v\n%s", err, out)
	}
}

// Root is a left4me root with one server that is ready to start.
type Root struct {
	instance.Files
	Run  string
	Name left4me.Name
	Port int
	Spec left4me.Spec
}

// NewRoot creates a root and prepares the server alpha in it.
func NewRoot(t testing.TB) *Root {
	t.Helper()
	dir, err := os.MkdirTemp("", "root")
	if err != nil {
		t.Fatal(err)
	}
	r := &Root{
		Files: instance.Files{Root: instance.Root(dir), Group: -1}, Run: filepath.Join(dir, "run"), Name: "alpha", Port: FreePort(t),
	}
	t.Cleanup(func() {
		if warning, err := r.Remove(context.Background(), r.Name); err != nil || !warning.IsZero() {
			t.Errorf("remove: %q, %v", warning, err)
		}
		os.RemoveAll(dir)
	})
	if err := os.Mkdir(r.Run, 0o700); err != nil {
		t.Fatal(err)
	}
	err = installation.Lay(filepath.Join(r.Files.Root.Installation(), "base"),
		installation.Options{Files: 1, Scale: 0.05, Server: Srcds()})
	if err != nil {
		t.Fatal(err)
	}
	r.Spec = left4me.Spec{Name: r.Name, Port: r.Port}
	r.Prepare(t)
	return r
}

// Prepare rewrites the server's files.
func (r *Root) Prepare(t testing.TB) {
	t.Helper()
	if err := r.Files.Prepare(context.Background(), r.Spec); err != nil {
		t.Fatal(err)
	}
}

// SetEnv modifies the server's instance.env.
func (r *Root) SetEnv(t testing.TB, change func(*instance.Env)) {
	t.Helper()
	env, err := r.Files.Root.ReadEnv(r.Name)
	if err != nil {
		t.Fatal(err)
	}
	change(&env)
	text, err := env.Append(nil)
	if err == nil {
		err = os.WriteFile(r.Files.Root.Env(r.Name), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Environ returns the environment for a shim of this root. By default the game starts quickly and has
// no players; more overrides that.
func (r *Root) Environ(more ...string) []string {
	return append([]string{
		"LEFT4ME_ROOT=" + string(r.Root), "LEFT4ME_RUN=" + r.Run, "HOME=" + string(r.Root), "PATH=" + os.Getenv("PATH"),
		"SIM_PLAYERS=0", "SIM_MAP_LOAD=0", "SIM_SEED=1", "GORACE=" + os.Getenv("GORACE"),
	}, more...)
}

// Dial returns a client connected to the server's shim.
func (r *Root) Dial(t testing.TB) *shim.Client {
	t.Helper()
	c, err := shim.Dial(t.Context(), shim.Socket(r.Run, r.Name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// FreePort returns a port that is currently free for both UDP and TCP.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		u, err := net.ListenUDP("udp4", nil)
		if err != nil {
			t.Fatal(err)
		}
		port := u.LocalAddr().(*net.UDPAddr).Port
		l, err := net.Listen("tcp4", ":"+strconv.Itoa(port))
		u.Close()
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// Until polls done until it returns true.
func Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", Patience, what)
		}
	}
}

// Alive reports whether a process is running. A zombie is not.
func Alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// Wrap makes the server run a script before it executes the game.
func (r *Root) Wrap(t testing.TB, script string) {
	t.Helper()
	base := filepath.Join(r.Files.Root.Installation(), "base")
	err := os.Rename(filepath.Join(base, "srcds_linux"), filepath.Join(base, "srcds_real"))
	if err == nil {
		err = os.WriteFile(filepath.Join(base, "srcds_linux"), []byte("#!/bin/sh\n"+script+"\nexec ./srcds_real \"$@\"\n"), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}
