package overlayfs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/syscalltest"
)

// onlyRoot skips tests that need root on the host, as the helper does.
func onlyRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may run the helper")
	}
	if noMount != "" {
		t.Skip(noMount)
	}
}

// filterVar holds the rules of a process that installs a seccomp filter and then executes the program
// named by its arguments.
const filterVar = "LEFT4ME_TEST_FILTER"

type rule = syscalltest.Rule

func killAt(call uintptr) rule {
	return rule{Call: call, Second: -1, Action: unix.SECCOMP_RET_KILL_PROCESS}
}

const (
	setFD  = 5 // FSCONFIG_SET_FD
	create = 6 // FSCONFIG_CMD_CREATE
)

// anOlderKernel rejects descriptors as layers in the way that kernels before 6.13 do.
func anOlderKernel(answer syscall.Errno) rule {
	return rule{Call: unix.SYS_FSCONFIG, Second: setFD, Action: unix.SECCOMP_RET_ERRNO | uint32(answer)}
}

func becomeFiltered(rules string, args []string) error {
	var all []rule
	if err := json.Unmarshal([]byte(rules), &all); err != nil {
		return err
	}
	runtime.LockOSThread()
	if _, err := syscalltest.Filter(0, all...); err != nil {
		return err
	}
	return unix.Exec(args[0], args, os.Environ())
}

// ran is the result of a run of the helper.
type ran struct {
	code   int // exit status; -1 if the helper was killed
	stdout string
	stderr string
	err    error // nil when code is 0; its text is stderr
}

var built struct {
	sync.Once
	dir string
	err error
}

// helper builds the helper and returns a function that runs it on a root.
func helper(t *testing.T) func(root, verb, name string, rules ...rule) ran {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "left4me-overlay"); built.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", built.dir+"/", "github.com/left4me/left4me/cmd/left4me-overlay")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	program := filepath.Join(built.dir, "left4me-overlay")
	return func(root, verb, name string, rules ...rule) ran {
		cmd := exec.Command(program, verb, name)
		cmd.Env = []string{"LEFT4ME_ROOT=" + root}
		if len(rules) > 0 {
			text, err := json.Marshal(rules)
			if err != nil {
				return ran{code: -1, err: err}
			}
			cmd = exec.Command("/proc/self/exe", program, verb, name)
			cmd.Env = []string{"LEFT4ME_ROOT=" + root, filterVar + "=" + string(text)}
		}
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, &stderr)
		}
		return ran{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), err}
	}
}

func (r ran) must(t *testing.T) {
	t.Helper()
	if r.err != nil || r.stderr != "" {
		t.Fatalf("exit %d, %v", r.code, r.err)
	}
}

// Whichever step the helper is killed at, the next run cleans up after it, and there are never two
// mounts.
func TestNextRunCleansUpAfterKilledHelper(t *testing.T) {
	onlyRoot(t)
	run := helper(t)
	old := anOlderKernel(unix.EBADF)
	for _, c := range []struct {
		name    string
		verb    string
		rules   []rule
		mounted bool // state after the kill
	}{
		{"before the first open", "mount", []rule{killAt(unix.SYS_OPENAT2)}, false},
		{"before fsopen", "mount", []rule{killAt(unix.SYS_FSOPEN)}, false},
		{"before the first fsconfig", "mount", []rule{killAt(unix.SYS_FSCONFIG)}, false},
		{"before the creation", "mount", []rule{{Call: unix.SYS_FSCONFIG, Second: create, Action: unix.SECCOMP_RET_KILL_PROCESS}}, false},
		{"between creation and mount", "mount", []rule{killAt(unix.SYS_FSMOUNT)}, false},
		{"between mount and attachment", "mount", []rule{killAt(unix.SYS_MOVE_MOUNT)}, false},
		{"after the mount", "mount", []rule{killAt(unix.SYS_EXIT_GROUP)}, true},
		{"on an older kernel, before the mount", "mount", []rule{old, killAt(unix.SYS_MOUNT)}, false},
		{"on an older kernel, after the mount", "mount", []rule{old, killAt(unix.SYS_EXIT_GROUP)}, true},
		{"before the unmount", "umount", []rule{killAt(unix.SYS_UMOUNT2)}, true},
		{"before work is cleaned up", "umount", []rule{killAt(unix.SYS_UNLINKAT)}, false},
		{"after the unmount", "umount", []rule{killAt(unix.SYS_EXIT_GROUP)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			p.layers("installation/base")
			if c.verb == "umount" {
				run(p.dir, "mount", "alpha").must(t)
			}
			if r := run(p.dir, c.verb, "alpha", c.rules...); r.code != -1 {
				t.Fatalf("the helper was not killed: exit %d, %v", r.code, r.err)
			}
			p.wantMounted(c.mounted)
			for range 2 {
				run(p.dir, "mount", "alpha").must(t)
				if at := p.mounts(); len(at) != 1 {
					t.Fatalf("mounts after the next run: %q, want one", at)
				}
			}
			p.write("runtime/alpha/merged/which", "new")
			for range 2 {
				run(p.dir, "umount", "alpha").must(t)
			}
			if at := p.mounts(); len(at) != 0 {
				t.Errorf("still mounted: %q", at)
			}
			if _, err := os.Lstat(p.path("runtime/alpha/work/work")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("work/work is still there: %v", err)
			}
		})
	}
}

// Kernels before 6.13 reject a descriptor as a layer with different errors.
func TestHelperMountsOnOlderKernels(t *testing.T) {
	onlyRoot(t)
	run := helper(t)
	for _, answer := range []syscall.Errno{unix.EOPNOTSUPP, unix.EBADF, unix.EINVAL} {
		for _, n := range []int{1, MaxLayers} {
			t.Run(fmt.Sprintf("%v, %d layers", answer, n), func(t *testing.T) {
				p := newPlace(t)
				rels := []string{"instances/alpha/config/1"}
				for i := 1; i < n; i++ {
					rels = append(rels, fmt.Sprintf("overlays/with-a-name-as-long-as-real-ones-are-%d/1", i))
				}
				p.layers(rels...)
				run(p.dir, "mount", "alpha", anOlderKernel(answer)).must(t)
				p.read(fmt.Sprintf("runtime/alpha/merged/own%d", n-1))
				run(p.dir, "umount", "alpha", anOlderKernel(answer)).must(t)
				p.wantMounted(false)
			})
		}
	}
}

func TestCheckPrintsNextMount(t *testing.T) {
	onlyRoot(t)
	run := helper(t)
	real := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(real, link))
	p := placeIn(t, link)
	p.layers("instances/alpha/config/1", `overlays/a,b \"c<d/1`, "installation/base")
	want := View{
		Name: "alpha", Options: []string{"nosuid", "nodev", "userxattr"},
		Lower: []string{real + "/instances/alpha/config/1", real + `/overlays/a,b \"c<d/1`, real + "/installation/base"},
		Upper: real + "/runtime/alpha/upper", Work: real + "/runtime/alpha/work", Merged: real + "/runtime/alpha/merged",
	}
	for _, mounted := range []bool{false, true} {
		if mounted {
			run(p.dir, "mount", "alpha").must(t)
		}
		before := slices.Concat(tree(t, real), p.mounts())
		r := run(p.dir, "check", "alpha")
		r.must(t)
		want.Mounted = mounted
		var got View
		if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
			t.Fatalf("check output: %v\n%s", err, r.stdout)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(before, slices.Concat(tree(t, real), p.mounts())); d != "" {
			t.Errorf("check changed files or mounts: %s", d)
		}
	}
	_ = unix.Unmount(real+"/runtime/alpha/merged", unix.MNT_DETACH)
}

func TestCheckFailsLikeMount(t *testing.T) {
	onlyRoot(t)
	run := helper(t)
	p := newPlace(t)
	p.layers("installation/base")
	for _, spoil := range []func(){
		func() { p.list("/etc") },
		func() { p.list("installation/none") },
		func() { p.list("installation/base"); p.swapForLinkTo("runtime/alpha/merged", "/etc") },
	} {
		spoil()
		check, mount := run(p.dir, "check", "alpha"), run(p.dir, "mount", "alpha")
		if check.code != 1 || check.stdout != "" || strings.Count(check.stderr, "\n") != 1 {
			t.Errorf("exit %d, %q, %q", check.code, check.stdout, check.stderr)
		}
		if check.stderr != mount.stderr {
			t.Errorf("error of check %q, of mount %q", check.stderr, mount.stderr)
		}
	}
}

// A mount in use disappears only when its readers end; the helper reports that.
func TestHelperReportsLazyUnmount(t *testing.T) {
	onlyRoot(t)
	run := helper(t)
	p := newPlace(t)
	p.layers("installation/base")
	run(p.dir, "mount", "alpha").must(t)
	reader, err := os.Open(p.path("runtime/alpha/merged/which"))
	must(t, err)
	defer reader.Close()
	r := run(p.dir, "umount", "alpha")
	r.must(t)
	if !strings.Contains(r.stdout, "unmount alpha: processes still read it") {
		t.Errorf("stdout: %q", r.stdout)
	}
	p.wantMounted(false)

	run(p.dir, "mount", "alpha").must(t)
	writer, err := os.Create(p.path("runtime/alpha/merged/new"))
	must(t, err)
	defer writer.Close()
	if r := run(p.dir, "umount", "alpha"); r.code != 1 || !strings.Contains(r.stderr, "something still writes to it") {
		t.Errorf("exit %d, %q", r.code, r.stderr)
	}
	p.wantMounted(true)
}

// Names of a server's files must not make one message look like two.
func TestHelperMessagesAreOneLine(t *testing.T) {
	onlyRoot(t)
	run := helper(t)
	for _, name := range []string{"a\nb", "\x1b[2J", "\u202egnp", "\xff", ".wh.a\nleft4me-overlay: ok", strings.Repeat("long", 60)} {
		p := newPlace(t)
		p.layers("installation/base")
		p.mkdir("runtime/alpha/upper/" + name)
		if err := unix.Setxattr(p.path("runtime/alpha/upper/"+name), "user.fuseoverlayfs.opaque", []byte("y"), 0); err != nil {
			t.Skip("no attributes on this file system: ", err)
		}
		r := run(p.dir, "mount", "alpha")
		text, ok := strings.CutSuffix(r.stderr, "\n")
		if r.code != 1 || !ok || !strings.Contains(text, "written by fuse-overlayfs") || len(text) > 400 {
			t.Errorf("%q: exit %d, %q", name, r.code, r.stderr)
		}
		if i := strings.IndexFunc(text, func(c rune) bool { return c < ' ' || c == '\u202e' || c == '\ufffd' }); i >= 0 {
			t.Errorf("file name %q: message %q", name, text)
		}
	}
}

// tree lists everything below a directory with its metadata.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	must(t, filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil {
			return err
		}
		all = append(all, fmt.Sprintf("%s %o %d %v", name, st.Mode, st.Size, st.Ctim))
		return nil
	}))
	return all
}

// Starting several hundred servers at once runs several hundred helpers.
func TestHelperMemoryUse(t *testing.T) {
	onlyRoot(t)
	helper(t)
	p := newPlace(t)
	var rels []string
	for i := range MaxLayers {
		rels = append(rels, fmt.Sprintf("overlays/with-a-name-as-long-as-real-ones-are-%d/1", i))
	}
	p.layers(rels...)
	for _, verb := range []string{"mount", "umount"} {
		cmd := exec.Command(filepath.Join(built.dir, "left4me-overlay"), verb, "alpha")
		cmd.Env = []string{"LEFT4ME_ROOT=" + p.dir}
		kb, err := peak(cmd)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s of %d layers: %.1f MB", verb, MaxLayers, float64(kb)/1e3)
		if kb == 0 || kb > 8000 {
			t.Errorf("%s needs %d kB, want at most 8 MB", verb, kb)
		}
	}
}

// peak runs a program and returns its peak resident memory in kB. It reads the value just before the
// program exits, because the usage that wait4(2) returns for a child includes memory of its parent.
func peak(cmd *exec.Cmd) (kb int, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	pid, signal := cmd.Process.Pid, 0
	for first := true; ; first = false {
		var ws unix.WaitStatus
		if _, err := unix.Wait4(pid, &ws, 0, nil); err != nil {
			return 0, err
		}
		switch {
		case ws.Exited() && ws.ExitStatus() == 0:
			return kb, nil
		case !ws.Stopped():
			return 0, fmt.Errorf("the program ended with %v", ws)
		case first:
			if err := unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACEEXIT); err != nil {
				return 0, err
			}
		case ws.TrapCause() == unix.PTRACE_EVENT_EXIT:
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if err != nil {
				return 0, err
			}
			_, rest, _ := strings.Cut(string(status), "VmHWM:")
			if _, err := fmt.Sscan(rest, &kb); err != nil {
				return 0, err
			}
		default:
			signal = int(ws.StopSignal())
		}
		if err := unix.PtraceCont(pid, signal); err != nil {
			return 0, err
		}
		signal = 0
	}
}
