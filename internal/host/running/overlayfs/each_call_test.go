package overlayfs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/syscalltest"
)

// heldVar names the root on which the child process mounts and unmounts on command. Before each system
// call in heldCalls, the process waits for permission.
const heldVar = "LEFT4ME_TEST_HELD"

// heldCalls are the system calls that take a file name or act on the result of an earlier one.
var heldCalls = map[uintptr]string{
	unix.SYS_OPENAT2: "openat2", unix.SYS_OPENAT: "openat", unix.SYS_STATX: "statx", unix.SYS_LISTXATTR: "listxattr",
	unix.SYS_CHDIR: "chdir", unix.SYS_FSOPEN: "fsopen", unix.SYS_FSCONFIG: "fsconfig", unix.SYS_FSMOUNT: "fsmount",
	unix.SYS_MOVE_MOUNT: "move_mount", unix.SYS_MOUNT: "mount", unix.SYS_UMOUNT2: "umount2", unix.SYS_UNLINKAT: "unlinkat",
}

// heldVerbs are the commands that the child process understands.
var heldVerbs = map[string]func(*Root) error{
	"mount": func(r *Root) error { return r.Mount("alpha") },
	"mount-by-name": func(r *Root) error {
		s, err := r.Plan("alpha")
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.openMerged(); err != nil {
			return err
		}
		return s.mountByName(nil)
	},
	"umount": func(r *Root) error { return r.Unmount("alpha") },
}

// beHeld runs the child process. It first prints the descriptor number of the seccomp listener.
func beHeld(dir string) error {
	root, err := OpenRoot(dir)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	// Filter all threads: mount(2) by name runs on a thread of its own.
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH
	fd, err := syscalltest.Filter(flags, syscalltest.Told(slices.Collect(maps.Keys(heldCalls))...)...)
	if err != nil {
		return err
	}
	fmt.Println(fd)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		text := ""
		if err := heldVerbs[in.Text()](root); err != nil {
			text = err.Error()
		}
		fmt.Println(strconv.Quote(text))
	}
	return in.Err()
}

// held is the child process as seen from the test.
type held struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	reply chan string

	mu     sync.Mutex                      // protects the fields below
	calls  int                             // number of calls since the last command
	before func(n int, c syscalltest.Call) // called before each call, counted from 0
}

func (b *battle) hold(t *testing.T) *held {
	t.Helper()
	h := &held{cmd: exec.Command("/proc/self/exe"), reply: make(chan string), before: func(int, syscalltest.Call) {}}
	h.cmd.Env = []string{heldVar + "=" + b.dir}
	h.cmd.Dir = "/"
	var errs strings.Builder
	h.cmd.Stderr = &errs
	stdout, err := h.cmd.StdoutPipe()
	must(t, err)
	h.stdin, err = h.cmd.StdinPipe()
	must(t, err)
	must(t, h.cmd.Start())
	out := bufio.NewReader(stdout)
	line, err := out.ReadString('\n')
	if err != nil {
		_ = h.cmd.Wait()
		syscalltest.Required(t, errors.New(errs.String()))
	}
	at, err := strconv.Atoi(strings.TrimSpace(line))
	must(t, err)
	process, err := unix.PidfdOpen(h.cmd.Process.Pid, 0)
	must(t, err)
	listener, err := unix.PidfdGetfd(process, at, 0)
	must(t, errors.Join(err, unix.Close(process)))
	var wait sync.WaitGroup
	wait.Go(func() {
		defer close(h.reply)
		for {
			line, err := out.ReadString('\n')
			if err != nil {
				return
			}
			h.reply <- line
		}
	})
	wait.Go(func() {
		for l := syscalltest.Listener(listener); ; {
			c, err := l.Next()
			if err != nil {
				return
			}
			h.mu.Lock()
			h.before(h.calls, c)
			h.calls++
			h.mu.Unlock()
			if err := l.Continue(c); err != nil {
				t.Error(err)
				return
			}
		}
	})
	t.Cleanup(func() {
		_ = h.cmd.Process.Kill()
		go func() {
			for range h.reply {
			}
		}()
		wait.Wait()
		_ = h.cmd.Wait()
		_ = unix.Close(listener)
	})
	return h
}

// do sends a command to the child process and returns its result and the number of held calls. before
// is called before each of them.
func (h *held) do(t *testing.T, verb string, before func(n int, c syscalltest.Call)) (reply string, calls int) {
	t.Helper()
	h.mu.Lock()
	h.calls, h.before = 0, before
	h.mu.Unlock()
	_, err := io.WriteString(h.stdin, verb+"\n")
	must(t, err)
	select {
	case line, ok := <-h.reply:
		if !ok {
			t.Fatalf("%s: the process has ended", verb)
		}
		reply, err := strconv.Unquote(strings.TrimSpace(line))
		must(t, err)
		h.mu.Lock()
		defer h.mu.Unlock()
		return reply, h.calls
	case <-time.After(30 * time.Second):
		_ = h.cmd.Process.Kill() // the process would keep the files busy during cleanup
		t.Fatalf("%s hangs", verb)
	}
	return "", 0
}

// elsewhere returns a function that runs f in a mount namespace that doesn't see later mounts, so that
// names of mount points can be exchanged as well.
func elsewhere(t *testing.T) func(f func() bool) bool {
	t.Helper()
	asked, done, began := make(chan func() bool), make(chan bool), make(chan error)
	var work func()
	work = func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		if unix.Gettid() == unix.Getpid() {
			// /proc/PID shows the namespaces of the first thread, so use another one.
			other := make(chan struct{})
			go func() { defer close(other); work() }()
			<-other
			runtime.UnlockOSThread()
			return
		}
		began <- unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS)
		for f := range asked {
			done <- f()
		}
	}
	go work()
	t.Cleanup(func() { close(asked) })
	must(t, <-began)
	return func(f func() bool) bool {
		asked <- f
		return <-done
	}
}

// Between any two system calls of a mount or unmount, the owner of the root replaces any path component
// with something that leads outside. None of the exchanges may have an effect: the object that was
// checked must be the one that is used.
func TestNameExchangeBeforeEachSystemCallIsHarmless(t *testing.T) {
	onlyRoot(t)
	for _, c := range []struct {
		name, verb    string
		mounted, read bool // state before the command
	}{
		{name: "mount", verb: "mount"},
		{name: "mount by name", verb: "mount-by-name"},
		{name: "unmount", verb: "umount", mounted: true},
		{name: "unmount with a reader", verb: "umount", mounted: true, read: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBattle(t)
			blind, process := elsewhere(t), b.hold(t)
			t.Parallel()
			// try exchanges a name before call number at, and restores it before the next call or at
			// the end.
			try := func(at int, back bool, s swap) (reply, before string, calls int) {
				if c.mounted {
					b.mustMount()
				}
				if c.read {
					f, err := os.Open(b.path("runtime/alpha/merged/which"))
					must(t, err)
					defer f.Close()
				}
				exchanged := false
				exchange := func() {
					if !blind(func() bool { return exchangeOnce(b.dir, s) }) {
						t.Errorf("%s could not be exchanged before call %d, %s", s.Victim, at, before)
					}
					exchanged = !exchanged
				}
				reply, calls = process.do(t, c.verb, func(n int, call syscalltest.Call) {
					if n == at {
						before = heldCalls[uintptr(call.Number)]
						exchange()
					} else if back && exchanged {
						exchange()
					}
				})
				if exchanged {
					exchange()
				}
				return reply, before, calls
			}
			reply, _, calls := try(-1, false, swap{})
			if reply != "" || calls < 4 {
				t.Fatalf("without an exchange: %d calls, result %q", calls, reply)
			}
			b.detachAll()
			refused, exchanges, tries := 0, 0, 0
			for at := range calls {
				for _, s := range b.outwards() {
					for _, back := range []bool{false, true} {
						reply, before, _ := try(at, back, s)
						tries++
						if before != "" {
							exchanges++
						}
						if reply != "" {
							refused++
						}
						if win := b.won(reply); win != "" {
							t.Fatalf("%s, exchanged for %s before call %d, %s (and back before the next: %v): %s", s.Victim, s.Decoy, at,
								before, back, win)
						}
						b.detachAll()
					}
				}
			}
			t.Logf("%d calls, %d exchanges, %d refusals", calls, exchanges, refused)
			if refused == 0 && !c.mounted || exchanges < tries/2 {
				t.Error("too few exchanges took effect")
			}
		})
	}
}

// outwards returns one exchange of each kind that leads outside or to a file that must not be opened.
func (b *battle) outwards() (all []swap) {
	for _, s := range b.swaps {
		switch {
		case strings.HasSuffix(s.Decoy, ".absolute"), strings.HasSuffix(s.Decoy, ".hard-link.of-root"),
			s.Decoy == "instances/alpha/instance.env.fifo":
			all = append(all, s)
		}
	}
	return all
}

// won describes what the attacker has achieved; reply is the result of the command.
func (b *battle) won(reply string) string {
	if strings.Contains(reply, canary) {
		return "it reads: " + reply
	}
	if !b.untouched() {
		return fmt.Sprintf("a mount outside was made, taken away or changed: %q", b.outside.mounts())
	}
	for _, m := range b.mounts() {
		if _, err := os.Lstat(filepath.Join(m, "secret")); err == nil {
			return m + " shows what is outside"
		}
	}
	if d := cmp.Diff(b.before, b.snapshot()); d != "" {
		return "what is outside was read or changed: " + d
	}
	return ""
}

// detachAll unmounts all mounts below the root.
func (b *battle) detachAll() {
	for _, m := range b.mounts() {
		_ = unix.Unmount(m, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH)
	}
}
