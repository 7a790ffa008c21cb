package overlayfs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// insideVar is set in the child process that runs in its own mount namespace.
const insideVar = "LEFT4ME_TEST_NAMESPACE"

// moveVar names a mount point that the child process moves away.
const moveVar = "LEFT4ME_TEST_MOVE"

// TestMain runs the tests in a mount namespace of their own, so that no mount outlives them. An
// ordinary user also needs a user namespace.
func TestMain(m *testing.M) {
	if rules := os.Getenv(filterVar); rules != "" {
		fmt.Fprintln(os.Stderr, "filter:", becomeFiltered(rules, os.Args[1:]))
		os.Exit(1)
	}
	if dir := os.Getenv(heldVar); dir != "" {
		fmt.Fprintln(os.Stderr, beHeld(dir))
		os.Exit(1)
	}
	if point := os.Getenv(moveVar); point != "" {
		err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		if err = errors.Join(err, unix.Unmount(point, 0), os.Rename(point, point+".away")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(attackVar); dir != "" {
		if err := exchangeNames(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(insideVar) != "" {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			fmt.Fprintln(os.Stderr, "private mounts:", err)
			os.Exit(1)
		}
		code := m.Run()
		if built.dir != "" {
			_ = os.RemoveAll(built.dir)
		}
		os.Exit(code)
	}
	if slices.ContainsFunc(os.Args, func(arg string) bool { return strings.HasPrefix(arg, "-test.fuzz") }) {
		noMount = "a fuzzer talks to its workers over descriptors that they would lose"
		os.Exit(m.Run())
	}
	err := inside(os.Args[1:])
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	default:
		noMount = fmt.Sprintf("this user can't have a mount namespace: %v", err)
		os.Exit(m.Run())
	}
}

// noMount is the reason why mounts are not possible here; empty if they are.
var noMount string

func inside(args []string) error {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_DAC_OVERRIDE, unix.CAP_CHOWN, unix.CAP_FOWNER}
	}
	return cmd.Run()
}

func TestOverlayfsAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("already an ordinary user")
	}
	const nobody = 65534
	cmd := exec.Command("/proc/self/exe", "-test.short", "-test.v", "-test.timeout=120s")
	cmd.Dir = "/"
	cmd.Env = []string{"TMPDIR=/tmp", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "can't have a mount namespace") {
		t.Skip("an ordinary user can't have a mount namespace here")
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// place is a root with one server, alpha.
type place struct {
	*Root
	t   *testing.T
	dir string
}

func newPlace(t *testing.T) place { return placeIn(t, t.TempDir()) }

func placeIn(t *testing.T, dir string) place {
	t.Helper()
	if noMount != "" {
		t.Skip(noMount)
	}
	p := place{t: t, dir: dir}
	p.mkdir("instances/alpha", "runtime/alpha/upper", "runtime/alpha/work", "runtime/alpha/merged")
	root, err := OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	p.Root = root
	t.Cleanup(func() {
		for _, at := range p.mounts() {
			_ = unix.Unmount(at, unix.MNT_DETACH)
		}
		root.Close()
	})
	return p
}

func (p place) path(rel string) string { return filepath.Join(p.dir, rel) }

func (p place) mkdir(rels ...string) {
	p.t.Helper()
	for _, rel := range rels {
		if err := os.MkdirAll(p.path(rel), 0o755); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p place) write(rel, text string) {
	p.t.Helper()
	if err := os.WriteFile(p.path(rel), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p place) read(rel string) string {
	p.t.Helper()
	b, err := os.ReadFile(p.path(rel))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

func (p place) symlink(to, rel string) {
	p.t.Helper()
	if err := os.Symlink(to, p.path(rel)); err != nil {
		p.t.Fatal(err)
	}
}

// layers creates layers and writes the layer list, top first. Each layer has the file "which", which
// contains its number, and one file that no other layer has.
func (p place) layers(rels ...string) {
	p.t.Helper()
	for i, rel := range rels {
		p.mkdir(rel)
		p.write(rel+"/which", fmt.Sprint(i))
		p.write(fmt.Sprintf("%s/own%d", rel, i), "")
	}
	p.list(rels...)
}

func (p place) list(rels ...string) {
	p.t.Helper()
	p.write("instances/alpha/instance.env", "L4D2_PORT=27015\nL4D2_LOWERDIRS="+strings.Join(rels, ":")+"\n")
}

func (p place) mustMount() {
	p.t.Helper()
	if err := p.Mount("alpha"); err != nil {
		p.t.Fatal(err)
	}
}

func (p place) mustUnmount() {
	p.t.Helper()
	if err := p.Unmount("alpha"); err != nil {
		p.t.Fatal(err)
	}
}

func (p place) wantMounted(want bool) {
	p.t.Helper()
	got, err := p.Mounted(left4me.Name("alpha"))
	if err != nil || got != want {
		p.t.Errorf("Mounted = %v, %v, want %v", got, err, want)
	}
}

// mounts lists the mount points below the root, innermost first.
func (p place) mounts() []string {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		p.t.Fatal(err)
	}
	unescape := strings.NewReplacer(`\040`, " ", `\134`, `\`)
	var at []string
	for line := range strings.Lines(string(b)) {
		point := unescape.Replace(strings.Fields(line)[4])
		if strings.HasPrefix(point, p.dir+"/") {
			at = append([]string{point}, at...)
		}
	}
	return at
}
