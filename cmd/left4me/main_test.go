package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/left4me/left4me/internal/store/storetest"
	"github.com/left4me/left4me/sim/installation"
	"github.com/left4me/left4me/sim/programs"
	"github.com/left4me/left4me/sim/steamapi"
)

func TestMain(m *testing.M) {
	// Stories mostly wait for servers, so more of them run in parallel than there are processors. The
	// command line overrides this value.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	// Each command of a story is a process of this program, about 900 in total, so the init functions
	// of everything that the tests import run in each. go-cmp alone would add 4 s for the expressions
	// it compiles.
	testscript.Main(m, map[string]func(){"left4me": main})
}

const (
	testSecret = "6f1d0c5f8a3e4b7790ab1c2d3e4f5a6b"
	patience   = 60 * time.Second
	// storyWithin limits a story. It takes seconds, or minutes on a busy machine. A story that hangs
	// fails after this time with the log of left4me.
	storyWithin = 7 * time.Minute
	firstPort   = 32000
	perStory    = 8 // ports
)

// TestStories runs the command line and the daemon together. Each story has its own root directory and
// runs servers as processes.
func TestStories(t *testing.T) {
	addons, err := filepath.Abs("../../source/vpk/testdata")
	if err != nil {
		t.Fatal(err)
	}
	sim := sync.OnceValues(func() (string, error) { return programs.Build(t.TempDir()) })
	var stories atomic.Int32
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			// The path of a socket is limited to 108 bytes, which $WORK would exceed.
			run, err := os.MkdirTemp("", "l4m-")
			if err != nil {
				return err
			}
			port := firstPort + int(stories.Add(1)-1)*perStory
			st := &story{root: filepath.Join(env.WorkDir, "root"), run: run, log: filepath.Join(env.WorkDir, "serve.log")}
			env.Values[storyKey{}] = st
			stuck := time.AfterFunc(storyWithin, st.dump)
			env.Defer(func() {
				stuck.Stop()
				st.end()
				if text := st.dumped(); text != "" {
					env.T().Log("left4me serve when the story had taken " + storyWithin.String() + ":\n" + text)
				}
				os.RemoveAll(run)
			})
			for k, v := range map[string]string{
				"LEFT4ME_ROOT": st.root, "LEFT4ME_RUN": run, "LEFT4ME_LISTEN": "127.0.0.1:0", "LEFT4ME_SUPERVISOR": "process",
				"LEFT4ME_RESERVE":    "1M",
				"LEFT4ME_SECRET_KEY": testSecret, "LEFT4ME_PORT_RANGE": fmt.Sprintf("%d-%d", port, port+perStory-1), "LEFT4ME_URL": "",
				"LEFT4ME_TOKEN": "",
				// Tests send nothing outside this machine.
				"LEFT4ME_PUBLIC_ADDRESS": "127.0.0.1", "LEFT4ME_STEAM_API_URL": "http://127.0.0.1:9",
				"LEFT4ME_STEAMCMD_URL": "http://127.0.0.1:9/x",
				"PORT":                 strconv.Itoa(port), "GOMEMLIMIT": "200MiB",
				"ADDONS":      addons,              // from the workshop
				"SIM_PLAYERS": "0",                 // joining players would print to the console at any time
				"GORACE":      "atexit_sleep_ms=0", // otherwise each command waits one second before it exits
			} {
				env.Setenv(k, v)
			}
			return os.Mkdir(st.root, 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"install": func(ts *testscript.TestScript, _ bool, _ []string) {
				dir, err := sim()
				ts.Check(err)
				root := storyOf(ts).root
				ts.Check(installation.Lay(filepath.Join(root, "installation", "base"),
					installation.Options{Server: filepath.Join(dir, "srcds"), Scale: 0.1}))
				// Stories without an installation start without a database.
				ts.Check(storetest.Lay(filepath.Join(root, databaseName)))
			},
			"lay": func(ts *testscript.TestScript, _ bool, kinds []string) { // creates overlays by hand
				for _, kind := range kinds {
					ts.Check(installation.LayOverlay(filepath.Join(storyOf(ts).root, "overlays", kind, "1"),
						installation.OverlayKind(kind), installation.Options{Scale: 0.1}))
				}
			},
			"steam": func(ts *testscript.TestScript, _ bool, args []string) {
				dir, err := sim()
				ts.Check(err)
				args = append([]string{
					"lay", filepath.Join(storyOf(ts).root, "steam", "steamcmd"), "SIM_STEAM_SRCDS=" + filepath.Join(dir, "srcds"),
					"SIM_STEAM_ANONYMOUS=1", "SIM_STEAM_TICK=20ms",
				}, args...)
				ts.Check(ts.Exec(filepath.Join(dir, "steamcmd"), args...))
			},
			"workshop": func(ts *testscript.TestScript, _ bool, _ []string) { // starts a simulated Steam with a workshop
				server := httptest.NewServer(steamapi.New(steamapi.State{Items: steamapi.Workshop(0, 0.1)}))
				ts.Defer(server.Close)
				ts.Setenv("LEFT4ME_STEAM_API_URL", server.URL)
				ts.Setenv("LEFT4ME_DOWNLOAD_ALLOW", strings.TrimPrefix(server.URL, "http://"))
			},
			"serve": func(ts *testscript.TestScript, _ bool, _ []string) { ts.Check(storyOf(ts).serve(ts)) },
			"quit":  func(ts *testscript.TestScript, _ bool, _ []string) { ts.Check(storyOf(ts).signal(syscall.SIGTERM)) },
			"crash": func(ts *testscript.TestScript, _ bool, _ []string) { ts.Check(storyOf(ts).signal(syscall.SIGKILL)) },
			"code":  exitCode, "until": until, "take": take, "gone": gone, "envfile": envFile, "pack": pack, "configs": configs,
			"merged": merged, "same": same,
			"repository": repository, "commit": commit,
		},
	})
}

// story is the state of one script.
type story struct {
	root, run, log string
	ended          chan struct{} // closed when the daemon has ended
	taken          []io.Closer

	mu     sync.Mutex // protects the following fields
	daemon *exec.Cmd
	stuck  bool // the story timed out
}

type storyKey struct{}

func storyOf(ts *testscript.TestScript) *story { return ts.Value(storyKey{}).(*story) }

var servesLine = regexp.MustCompile(`msg="left4me serves" address=(\S+)`)

// serve starts left4me serve, waits until it is ready, and sets $ADDRESS to its address.
func (st *story) serve(ts *testscript.TestScript) error {
	log, err := os.OpenFile(st.log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	path, err := exec.LookPath("left4me")
	if err != nil {
		return err
	}
	cmd := exec.Command(path, "serve")
	for _, k := range []string{
		"LEFT4ME_ROOT", "LEFT4ME_RUN", "LEFT4ME_LISTEN", "LEFT4ME_SUPERVISOR", "LEFT4ME_RESERVE",
		"LEFT4ME_SECRET_KEY", "LEFT4ME_PORT_RANGE", "LEFT4ME_PUBLIC_ADDRESS", "LEFT4ME_STEAM_API_URL", "LEFT4ME_DOWNLOAD_ALLOW",
		"LEFT4ME_STEAMCMD_URL", "SIM_PLAYERS", "SIM_SLOW_START", "SIM_WRONG_PORT", "PATH", "HOME", "TMPDIR",
	} {
		cmd.Env = append(cmd.Env, k+"="+ts.Getenv(k))
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	st.ended = make(chan struct{})
	go func() { _ = cmd.Wait(); close(st.ended) }()
	st.mu.Lock()
	st.daemon = cmd
	st.mu.Unlock()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		b, err := os.ReadFile(st.log)
		if err != nil {
			return err
		}
		if m := servesLine.FindSubmatch(b); m != nil {
			ts.Setenv("ADDRESS", string(m[1]))
			return nil
		}
		select {
		case <-st.ended:
			return fmt.Errorf("left4me serve ended: %s", b)
		default:
		}
	}
	return errors.New("left4me serve does not serve")
}

// signal ends the daemon. After SIGTERM or SIGINT it must exit successfully.
func (st *story) signal(sig syscall.Signal) error {
	st.mu.Lock()
	cmd := st.daemon
	st.daemon = nil
	st.mu.Unlock()
	if cmd == nil {
		return errors.New("no daemon is running")
	}
	if err := cmd.Process.Signal(sig); err != nil {
		return err
	}
	select {
	case <-st.ended:
	case <-time.After(patience):
		return errors.New("left4me serve does not end")
	}
	if sig == syscall.SIGTERM && cmd.ProcessState.ExitCode() != 0 {
		b, _ := os.ReadFile(st.log)
		return fmt.Errorf("left4me serve ended with %s: %s", cmd.ProcessState, b)
	}
	return nil
}

// dump ends the daemon and makes it write the stacks of its goroutines to its log.
func (st *story) dump() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.stuck = true
	if st.daemon != nil {
		_ = st.daemon.Process.Signal(syscall.SIGQUIT)
	}
}

// dumped returns the log of the daemon if dump has ended it.
func (st *story) dumped() string {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.stuck {
		return ""
	}
	b, err := os.ReadFile(st.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// shims returns the process IDs of the shims, which hold the locks of their lock files.
func (st *story) shims() (pids []int) {
	locks, _ := filepath.Glob(filepath.Join(st.run, "*", "lock"))
	for _, name := range locks {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		held := errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
		line, _ := bufio.NewReader(f).ReadString('\n')
		f.Close()
		if pid, err := strconv.Atoi(strings.TrimSpace(line)); held && err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// end ends all processes of the story.
func (st *story) end() {
	_ = st.signal(syscall.SIGKILL)
	for _, pid := range st.shims() {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	for deadline := time.Now().Add(30 * time.Second); len(st.shims()) > 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	for _, pid := range st.shims() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	for _, c := range st.taken {
		c.Close()
	}
	// overlayfs leaves work directories without permissions.
	works, _ := filepath.Glob(filepath.Join(st.root, "runtime", "*", "work", "work"))
	for _, w := range works {
		_ = os.Chmod(w, 0o700)
	}
}

// exitCode implements `code N PROGRAM ARGUMENT…`: the program must exit with status N.
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s: exit code %d, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// until implements `until PATTERN PROGRAM ARGUMENT…`: it repeats the command until its output matches.
func until(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(args[0])
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		_ = ts.Exec(args[1], args[2:]...)
		out := ts.ReadFile("stdout")
		if want.MatchString(out) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%q did not come: %s", args[0], out)
		}
	}
}

// take implements `take PORT`: it occupies the port.
func take(ts *testscript.TestScript, _ bool, args []string) {
	c, err := net.ListenPacket("udp4", "0.0.0.0:"+args[0])
	ts.Check(err)
	st := storyOf(ts)
	st.taken = append(st.taken, c)
}

// envFile implements `envfile NAME FILE`: it sets the variable to the content of the file.
func envFile(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// pack implements `pack FILE NAME=TEXT…`: it creates a VPK with these files; @FILE stands for the
// content of a file.
func pack(ts *testscript.TestScript, _ bool, args []string) {
	var files []installation.PackFile
	for _, a := range args[1:] {
		name, text, _ := strings.Cut(a, "=")
		if file, ok := strings.CutPrefix(text, "@"); ok {
			text = ts.ReadFile(file)
		}
		files = append(files, installation.PackFile{Name: name, Data: []byte(text), Preload: len(text) / 4})
	}
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o755))
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(installation.WritePack(f, files))
	ts.Check(f.Close())
}

// gone checks that no shim is running.
func gone(ts *testscript.TestScript, _ bool, _ []string) {
	if pids := storyOf(ts).shims(); len(pids) > 0 {
		ts.Fatalf("shims are running: %v", pids)
	}
}
