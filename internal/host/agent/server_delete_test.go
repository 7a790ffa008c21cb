package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/process"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
	"github.com/left4me/left4me/internal/left4me"
)

// newWorker starts an agent. Tests call the functions of its jobs directly.
func newWorker(t *testing.T, r *shimtest.Root) *Agent {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	b, err := bus.Open(t.Context(), filepath.Join(t.TempDir(), "bus"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	sup := process.New(process.Config{Root: r.Root, Run: r.Run, Exe: shimtest.Exe(), Env: r.Environ()})
	a, err := New(Config{Host: "local", Files: r.Files, Sockets: r.Run, Version: "test"}, sup, b, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ran })
	shimtest.Until(t, "the agent runs", func() bool {
		return b.Request(t.Context(), bus.Command("local", bus.VerbStatus), bus.Empty{}, nil) == nil
	})
	return a
}

// An agent may be stopped at any moment while it starts. When Run returns, everything that it
// started must have ended; the race detector finds goroutines that start later.
func TestAgentCanBeStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	log := slog.New(slog.DiscardHandler)
	b, err := bus.Open(t.Context(), filepath.Join(t.TempDir(), "bus"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	sup := process.New(process.Config{Root: r.Root, Run: r.Run, Exe: shimtest.Exe(), Env: r.Environ()})
	for after := range 100 {
		a, err := New(Config{Host: "local", Files: r.Files, Sockets: r.Run, Version: "test"}, sup, b, log)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(after)*200*time.Microsecond)
		_ = a.Run(ctx) // it may fail, because the agent before it was interrupted too
		cancel()
	}
}

// mess creates random files in the directories of a server.
type mess struct {
	*rand.Rand
	t *testing.T
}

// oddNames lists file names that a plugin could use.
var oddNames = []string{"plain", "-rf", "two\nlines", "\xff\xfe", "..x", " ", strings.Repeat("n", 255), "addons"}

// put replaces the file or directory at a path, if any, with a random kind of file.
func (m mess) put(at string, depth int) {
	m.t.Helper()
	// Never write through a link created earlier: links lead out of the root.
	for dir := filepath.Dir(at); ; dir = filepath.Dir(dir) {
		st, err := os.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if to, lerr := filepath.EvalSymlinks(dir); err != nil || lerr != nil || to != dir || !st.IsDir() {
			return
		}
		break
	}
	if err := errors.Join(os.RemoveAll(at), os.MkdirAll(filepath.Dir(at), 0o770)); err != nil {
		return
	}
	var err error
	switch kind := m.IntN(9); {
	case kind == 0:
		err = os.WriteFile(at, []byte("x"), m.mode())
	case kind == 1:
		err = os.Symlink([]string{"/etc", "..", "gone", "../../../outside"}[m.IntN(4)], at)
	case kind == 2:
		err = unix.Mkfifo(at, uint32(m.mode().Perm()))
	case kind == 3 && len(at) < 100:
		var l net.Listener
		if l, err = net.Listen("unix", at); err == nil {
			l.(*net.UnixListener).SetUnlinkOnClose(false)
			l.Close()
		}
	case kind == 4 && depth == 0:
		m.deep(at, 250)
	default:
		if err = os.Mkdir(at, 0o700); err == nil && depth < 4 {
			for range m.IntN(4) {
				m.put(filepath.Join(at, oddNames[m.IntN(len(oddNames))]), depth+1)
			}
		}
		if err == nil {
			err = os.Chmod(at, m.mode())
		}
	}
	if err != nil && !errors.Is(err, unix.ENAMETOOLONG) {
		m.t.Fatalf("%q: got %v", at, err)
	}
}

func (m mess) mode() fs.FileMode {
	return []fs.FileMode{0, 0o400, 0o500, 0o700, 0o770, 0o777 | fs.ModeSticky, 0o660}[m.IntN(7)]
}

// deep nests directories beyond the longest possible path, and makes the last one inaccessible.
func (m mess) deep(at string, levels int) {
	m.t.Helper()
	fd := unix.AT_FDCWD
	for i := range levels {
		name := at
		if i > 0 {
			name = "a-directory-with-a-long-name"
		}
		err := unix.Mkdirat(fd, name, 0o700)
		var next int
		if err == nil {
			next, err = unix.Openat(fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		}
		if err != nil {
			m.t.Fatal(err)
		}
		if fd >= 0 {
			unix.Close(fd)
		}
		fd = next
	}
	_ = unix.Fchmod(fd, 0)
	unix.Close(fd)
}

// runtimePaths are paths in a server's runtime directory where the game or its user could leave files.
var runtimePaths = []string{
	"upper", "work", "merged", "home", "extra", "upper/left4dead2/x", "work/work", "work/index", "merged/x", "home/.steam",
	"home/.steam/sdk32",
}

// wreck creates random files in the directories of a server.
func (m mess) wreck(f instance.Files, run string, n left4me.Name) {
	m.t.Helper()
	for range 1 + m.IntN(4) {
		m.put(filepath.Join(f.Root.Runtime(n), runtimePaths[m.IntN(len(runtimePaths))]), 0)
	}
	m.put(filepath.Join(f.Root.Logs(n), oddNames[m.IntN(len(oddNames))]), 0)
	for _, name := range []string{"lock", "failed", filepath.Base(shim.Socket(run, n))} {
		if m.IntN(6) == 0 {
			m.put(filepath.Join(shim.Dir(run, n), name), 3)
		}
	}
	switch m.IntN(12) {
	case 0:
		m.put(f.Root.Merged(n), 4)
	case 1: // instead of the directory itself; the game cannot do this if it has its own user
		_ = errors.Join(os.RemoveAll(f.Root.Runtime(n)), os.WriteFile(f.Root.Runtime(n), nil, 0o600))
	case 2:
		_ = os.Chmod(f.Root.Runtime(n), 0)
	case 3:
		_ = os.Chmod(f.Root.Logs(n), 0)
	}
}

func (a *Agent) mute() *job.Progress { return job.Quiet("") }

// free checks that no files are left under the name of a server.
func free(t *testing.T, r *shimtest.Root, n left4me.Name) {
	t.Helper()
	for _, dir := range []string{r.Files.Root.Instance(n), r.Files.Root.Runtime(n), r.Files.Root.Logs(n)} {
		if st, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v, %v", dir, st, err)
		}
	}
}

func TestStopAndDeleteSucceedDespiteHostileFiles(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	outside := filepath.Join(string(r.Root), "outside")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	a := newWorker(t, r)
	for seed := range uint64(20) {
		m := mess{rand.New(rand.NewPCG(seed, 12)), t}
		r.Prepare(t)
		m.wreck(r.Files, r.Run, r.Name)
		p := a.mute()
		for i, err := range []error{a.servers.stop(t.Context(), r.Name, p), a.servers.remove(t.Context(), r.Spec, p)} {
			if err != nil {
				t.Fatalf("seed %d, %s: %v", seed, []string{"stop", "delete"}[i], err)
			}
		}
		free(t, r, r.Name)
		if left := r.Files.Root.Asides(); len(left) > 0 {
			t.Fatalf("seed %d: files were put aside, although all belong to this user: %v", seed, left)
		}
	}
	if _, err := os.Stat(outside); err != nil {
		t.Errorf("removal followed a link: %v", err)
	}
	for seed := range uint64(2) {
		m := mess{rand.New(rand.NewPCG(seed, 21)), t}
		r.Prepare(t)
		m.wreck(r.Files, r.Run, r.Name)
		if err := a.servers.reset(t.Context(), r.Spec, a.mute()); err != nil {
			t.Fatalf("seed %d, reset: %v", seed, err)
		}
		if err := a.servers.stop(t.Context(), r.Name, a.mute()); err != nil {
			t.Fatalf("seed %d, stop: %v", seed, err)
		}
	}
}

// foreignVar names the root with files of several users, which the test below prepares as root and
// removes as an ordinary user.
const foreignVar = "WRECK_TEST_ROOT"

// foreignServers is the number of servers in the root that foreignVar names.
const foreignServers = 20

func TestDeletePutsFilesOfOtherUsersAside(t *testing.T) {
	if dir := os.Getenv(foreignVar); dir != "" {
		removeForeign(t, dir)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can leave files of several users")
	}
	const nobody = 65534
	r := shimtest.NewRoot(t)
	for i := range foreignServers {
		n := left4me.Name(fmt.Sprintf("s%d", i))
		m := mess{rand.New(rand.NewPCG(uint64(i), 2)), t}
		if err := r.Files.Prepare(t.Context(), left4me.Spec{Name: n, Port: r.Port}); err != nil {
			t.Fatal(err)
		}
		m.wreck(r.Files, r.Run, n)
	}
	choose := rand.New(rand.NewPCG(1, 2))
	err := filepath.WalkDir(string(r.Root), func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, unix.ENAMETOOLONG) {
			return nil // deeper files stay owned by root
		}
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(string(r.Root), p)
		parts := strings.Split(rel, "/")
		server := len(parts) > 1 && (parts[0] == "runtime" || parts[0] == "logs" || parts[0] == "instances")
		if server && choose.IntN(8) == 0 {
			return nil // stays owned by root
		}
		if err := os.Lchown(p, nobody, nobody); !errors.Is(err, unix.ENAMETOOLONG) {
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(string(r.Root), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(foreignVar, string(r.Root))
	shimtest.AsUser(t, "^"+t.Name()+"$")
	left := r.Files.Root.Asides()
	if len(left) == 0 {
		t.Error("nothing was put aside")
	}
	for _, l := range left { // as the warning tells the user to
		if err := os.RemoveAll(l.Dir); err != nil {
			t.Error(err)
		}
	}
}

func removeForeign(t *testing.T, dir string) {
	r := &shimtest.Root{Files: instance.Files{Root: instance.Root(dir), Group: -1}, Run: filepath.Join(dir, "run")}
	a := newWorker(t, r)
	told := map[string]bool{}
	for i := range foreignServers {
		n := left4me.Name(fmt.Sprintf("s%d", i))
		before := len(r.Files.Root.Asides())
		p := a.mute()
		p.Plan(left4me.StepStop, left4me.StepUnmount, left4me.StepEmptyUpper, left4me.StepRemoveFiles)
		if err := a.servers.remove(t.Context(), left4me.Spec{Name: n}, p); err != nil {
			t.Errorf("delete %s: %v", n, err)
			continue
		}
		free(t, r, n)
		warning := ""
		for _, s := range p.Steps() {
			warning += s.Warning
		}
		asides := r.Files.Root.Asides()
		if (warning != "") != (len(asides) > before) {
			t.Errorf("%s: %d directories were put aside, the warning is %q", n, len(asides)-before, warning)
		}
		for _, aside := range asides {
			if told[aside.Dir] {
				continue
			}
			told[aside.Dir] = true
			if !strings.Contains(warning, aside.Dir) || !strings.Contains(warning, "rm -rf ") ||
				!strings.Contains(warning, "belongs to root:root") {
				t.Errorf("%s: the warning names neither %s, its owner nor the command: %q", n, aside.Dir, warning)
			}
		}
		if warning != "" && len(told) == 1 {
			t.Log(warning)
		}
		if err := r.Files.Prepare(t.Context(), left4me.Spec{Name: n, Port: 27015}); err != nil {
			t.Errorf("the name %s cannot be used again: %v", n, err)
		}
		if warning, err := r.Remove(t.Context(), n); err != nil || !warning.IsZero() {
			t.Errorf("remove %s again: %q, %v", n, warning, err)
		}
	}
}

func TestStopAndDeleteHostileFilesAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	shimtest.AsUser(t, "^TestStopAndDeleteSucceed")
}
