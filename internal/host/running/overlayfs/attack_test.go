package overlayfs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// attackVar names the root to attack. It is set in the process that runs the attacker.
const attackVar = "LEFT4ME_TEST_ATTACK"

// nobody is the ordinary user who owns everything below the root.
const nobody = 65534

// canary is the content of every file that must not be read. An error message that contains it proves
// that one was read.
const canary = "CANARY-d1b6"

// TestHostileOwnerCannotAffectMounts simulates an attacker with the rights of the user left4me, who
// owns everything below the root. While root mounts and unmounts, the attacker replaces each component
// of each path with links, other directories, FIFOs, devices and files of root. The attacker wins if
// anything outside the root is mounted, mounted over, unmounted, read or changed.
// TestNameExchangeBeforeEachSystemCallIsHarmless covers exchanges between two system calls
// systematically; this test covers exchanges during system calls and cases that were not anticipated.
func TestHostileOwnerCannotAffectMounts(t *testing.T) {
	onlyRoot(t)
	tries := 300 // script/test-attack runs 20,000
	if n, err := strconv.Atoi(os.Getenv("LEFT4ME_TEST_ATTACK_TRIES")); err == nil {
		tries = n
	} else if testing.Short() {
		tries = 100
	}
	program := helper(t)
	const workers = 6
	byProgram := tries / 25
	for _, c := range []struct {
		name  string
		tries int
		use   func(place, int) (mount, unmount error)
	}{
		{"in process", tries - byProgram, inProcess},
		{"helper program", byProgram, func(p place, _ int) (mount, unmount error) {
			return program(p.dir, "mount", "alpha").err, program(p.dir, "umount", "alpha").err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var all result
			var mu sync.Mutex
			var wait sync.WaitGroup
			for i := range workers {
				b := newBattle(t)
				b.blind = i%2 == 0
				wait.Go(func() {
					r := b.fight(c.tries/workers+1, c.use)
					mu.Lock()
					defer mu.Unlock()
					all.add(r)
				})
			}
			wait.Wait()
			t.Logf("%d tries: %d mounts, %d refusals against %d exchanges; %d mounts led away", all.tries, all.mounted, all.refused,
				all.exchanges, all.strays)
			for _, win := range all.wins {
				t.Error(win)
			}
			if all.mounted < all.tries/20 || all.refused < all.tries/20 || all.exchanges < all.tries {
				t.Error("too few successful, refused or raced attempts")
			}
		})
	}
}

// inProcess does what the helper does, alternating between both ways to mount. Every third time, the
// mount is in use.
func inProcess(p place, i int) (mount, unmount error) {
	if i%2 == 0 {
		mount = p.Mount("alpha")
	} else if s, err := p.Plan("alpha"); err != nil {
		mount = err
	} else {
		defer s.Close()
		if mount = s.openMerged(); mount == nil {
			mount = s.mountByName(nil)
		}
	}
	if i%3 == 0 {
		if fd, err := unix.Open(p.path("runtime/alpha/merged"), unix.O_PATH|unix.O_CLOEXEC, 0); err == nil {
			defer unix.Close(fd)
		}
	}
	return mount, p.Unmount("alpha")
}

// TestHostileOwnerDefeatsMountByName shows that the attack is effective: it wins against a program that
// checks names and then mounts by name.
func TestHostileOwnerDefeatsMountByName(t *testing.T) {
	onlyRoot(t)
	b := newBattle(t)
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		if r := b.fight(200, naive); len(r.wins) > 0 {
			t.Logf("%d of %d: %s", len(r.wins), r.mounted, r.wins[0])
			return
		}
	}
	t.Error("the attack never won")
}

// naive checks a name and then uses it again.
func naive(p place, _ int) (mount, unmount error) {
	real := func(rel string) string {
		name, err := filepath.EvalSymlinks(p.path(rel))
		if err != nil || !strings.HasPrefix(name, p.dir+"/") {
			mount = errors.Join(mount, fmt.Errorf("%s: %w", rel, ErrRefused))
		}
		return p.path(rel)
	}
	data := "lowerdir=" + real("overlays/maps/1") + ":" + real("installation/base") + ",upperdir=" + real("runtime/alpha/upper") +
		",workdir=" + real("runtime/alpha/work")
	merged := real("runtime/alpha/merged")
	if mount == nil {
		mount = unix.Mount("overlay", merged, "overlay", 0, data)
	}
	if mount != nil {
		return mount, nil
	}
	return nil, unix.Unmount(merged, 0)
}

// result counts the outcomes of a number of attempts.
type result struct {
	tries, mounted, refused, strays, exchanges int
	wins                                       []string
}

func (r *result) add(o result) {
	r.tries += o.tries
	r.mounted += o.mounted
	r.refused += o.refused
	r.strays += o.strays
	r.exchanges += o.exchanges
	r.wins = append(r.wins, o.wins...)
}

// battle is a root with its hostile owner, and the directories outside it.
type battle struct {
	place
	outside place
	before  map[string]string
	swaps   []swap
	blind   bool // the attacker doesn't see our mounts, so it can move the mount points
}

// swap is a name and the decoy that the attacker exchanges it for. Without a decoy, the attacker moves
// the name away and back.
type swap struct{ Victim, Decoy string }

func newBattle(t *testing.T) *battle {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	inside := place{t: t, dir: filepath.Join(dir, "root")}
	inside.mkdir(".")
	b := &battle{place: placeIn(t, inside.dir), outside: place{t: t, dir: filepath.Join(dir, "outside")}}
	b.layers("overlays/maps/1", "installation/base")
	// The directories outside have the same layout, so that a link leads to something that could be
	// mounted.
	o := b.outside
	o.mkdir("instances/alpha", "overlays/maps/1", "installation/base", "runtime/alpha/upper", "runtime/alpha/work/work/keep",
		"runtime/alpha/merged")
	for _, rel := range []string{
		"instances/alpha/instance.env", "overlays/maps/1/secret", "installation/base/secret",
		"runtime/alpha/upper/secret", "runtime/alpha/work/work/secret",
	} {
		o.write(rel, "L4D2_LOWERDIRS="+canary+"\n")
		must(t, os.Chmod(o.path(rel), 0o600))
	}
	// An overlay of another user, which must stay unchanged.
	o.mkdir("others/upper", "others/work")
	data := "lowerdir=" + o.path("installation/base") + ",upperdir=" + o.path("others/upper") + ",workdir=" + o.path("others/work")
	must(t, unix.Mount("overlay", o.path("runtime/alpha/merged"), "overlay", 0, data))
	t.Cleanup(func() { _ = unix.Unmount(o.path("runtime/alpha/merged"), unix.MNT_DETACH) })
	b.arm()
	must(t, filepath.WalkDir(b.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || strings.HasSuffix(name, ".of-root") {
			return err
		}
		return os.Lchown(name, nobody, nobody)
	}))
	b.before = b.snapshot()
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// arm creates, for each component of each path, the decoys that it is exchanged for.
func (b *battle) arm() {
	b.t.Helper()
	victims := []string{
		"instances", "instances/alpha", "instances/alpha/instance.env", "overlays", "overlays/maps", "overlays/maps/1",
		"installation", "installation/base", "runtime", "runtime/alpha", "runtime/alpha/upper", "runtime/alpha/work",
		"runtime/alpha/merged",
	}
	for _, v := range victims {
		up := strings.Repeat("../", strings.Count(v, "/")+1)
		b.decoy(v, "absolute", func(name string) error { return os.Symlink(b.outside.path(v), name) })
		b.decoy(v, "relative", func(name string) error { return os.Symlink(up+"outside/"+v, name) })
		b.decoy(v, "magic", func(name string) error { return os.Symlink("/proc/self/root"+b.outside.path(v), name) })
		b.decoy(v, "fifo", func(name string) error { return unix.Mkfifo(name, 0o666) })
		b.decoy(v, "device.of-root", func(name string) error { return unix.Mknod(name, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))) })
		b.swaps = append(b.swaps, swap{Victim: v})
	}
	const env = "instances/alpha/instance.env"
	b.decoy(env, "hard-link.of-root", func(name string) error { return os.Link(b.outside.path(env), name) })
	b.decoy(env, "directory", func(name string) error { return os.Mkdir(name, 0o755) })
	long := strings.Repeat("overlays/maps/1:", 10_000)
	for what, text := range map[string]string{
		"many":   "L4D2_LOWERDIRS=" + long + "installation/base\n",
		"huge":   strings.Repeat("L4D2_LOWERDIRS="+long+"\n", 20),
		"binary": "\x00\xff\x7fELF\nL4D2_LOWERDIRS=overlays/\x00\xfe\n",
		"dots":   "L4D2_LOWERDIRS=overlays/../../outside/overlays/maps/1\n",
		"whole":  "L4D2_LOWERDIRS=" + b.outside.path("overlays/maps/1") + "\n",
		"link":   "L4D2_LOWERDIRS=overlays/link/maps/1\n",
		"proc":   "L4D2_LOWERDIRS=/proc/self/root" + b.outside.path("overlays/maps/1") + "\n",
	} {
		b.decoy(env, what, func(name string) error { return os.WriteFile(name, []byte(text), 0o644) })
	}
	b.symlink(b.outside.path("overlays"), "overlays/link")
	// Exchange the attacker's own directories with each other.
	b.swaps = append(b.swaps,
		swap{"runtime/alpha/upper", "overlays/maps/1"},
		swap{"runtime/alpha/merged", "runtime/alpha/upper"},
		swap{"runtime/alpha/work", "installation/base"},
	)
}

func (b *battle) decoy(victim, what string, make func(name string) error) {
	b.t.Helper()
	name := victim + "." + what
	if err := make(b.path(name)); err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	b.swaps = append(b.swaps, swap{victim, name})
}

// fight mounts and unmounts while the attacker works.
func (b *battle) fight(tries int, use func(place, int) (mount, unmount error)) result {
	var r result
	a, err := b.attack()
	if err != nil {
		r.wins = append(r.wins, err.Error())
		return r
	}
	for i := range tries {
		r.tries++
		mount, unmount := use(b.place, i)
		if mount == nil {
			r.mounted++
		} else {
			r.refused++
		}
		for _, err := range []error{mount, unmount} {
			if err != nil && strings.Contains(err.Error(), canary) {
				r.wins = append(r.wins, "it reads: "+err.Error())
			}
		}
		if !b.untouched() || len(b.mounts()) > 0 {
			strays, win := b.tidy(a)
			r.strays += strays
			if win != "" {
				r.wins = append(r.wins, win)
			}
		}
		if len(r.wins) > 3 {
			break
		}
	}
	n, err := a.end()
	if err != nil {
		r.wins = append(r.wins, err.Error())
	}
	r.exchanges += n
	if d := cmp.Diff(b.before, b.snapshot()); d != "" {
		r.wins = append(r.wins, "what is outside was read or changed: "+d)
	}
	return r
}

// tidy pauses the attacker, inspects the mounts that an attempt left because their names were moved,
// and unmounts them.
func (b *battle) tidy(a *attacker) (strays int, win string) {
	if err := a.hold(); err != nil {
		return 0, err.Error()
	}
	defer a.release()
	if !b.untouched() {
		at := b.outside.mounts()
		win = fmt.Sprintf("a mount outside was made, taken away or changed: %q", at)
		for _, m := range at[:max(0, len(at)-1)] {
			_ = unix.Unmount(m, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH)
		}
	}
	for _, m := range b.mounts() {
		strays++
		if _, err := os.Lstat(filepath.Join(m, "secret")); err == nil {
			win = m + " shows what is outside"
		}
		_ = unix.Unmount(m, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH)
	}
	return strays, win
}

// untouched reports whether the overlay of the other user is the only mount outside and still writable.
func (b *battle) untouched() bool {
	at := b.outside.mounts()
	var st unix.Statfs_t
	return len(at) == 1 && unix.Statfs(at[0], &st) == nil && st.Flags&(unix.ST_RDONLY|unix.ST_NOSUID|unix.ST_NODEV) == 0
}

// snapshot describes everything outside the root, including the time of the last read.
func (b *battle) snapshot() map[string]string {
	all := map[string]string{}
	err := filepath.WalkDir(b.outside.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil {
			return err
		}
		text := ""
		if st.Nlink == 1 || d.IsDir() { // renaming another hard link of a file changes its ctime
			text = fmt.Sprintf("at %v ", st.Ctim)
		}
		if d.Type().IsRegular() {
			read := st.Atim
			f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOATIME, 0)
			if err != nil {
				return err
			}
			b, err := io.ReadAll(f)
			if err := errors.Join(err, f.Close()); err != nil {
				return err
			}
			text += fmt.Sprintf("%q read %v", b, read)
		}
		all[name] = fmt.Sprintf("%o %d:%d %d links, %d bytes, written %v, changed %s", st.Mode, st.Uid, st.Gid, st.Nlink, st.Size, st.Mtim,
			text)
		return nil
	})
	if err != nil {
		all["error"] = err.Error()
	}
	return all
}

// attacker is the process that exchanges names.
type attacker struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   bytes.Buffer
	err   bytes.Buffer
}

func (b *battle) attack() (*attacker, error) {
	swaps, err := json.Marshal(b.swaps)
	if err != nil {
		return nil, err
	}
	a := &attacker{cmd: exec.Command("/proc/self/exe")}
	a.cmd.Env = []string{attackVar + "=" + b.dir}
	a.cmd.Dir = "/"
	a.cmd.Stdout, a.cmd.Stderr = &a.out, &a.err
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if b.blind {
		a.cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWNS
	}
	stdin, err := a.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	a.stdin = stdin
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	_, err = stdin.Write(append(swaps, '\n'))
	return a, err
}

// hold stops the attacker and waits until it has stopped.
func (a *attacker) hold() error {
	if err := a.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return unix.Waitid(unix.P_PID, a.cmd.Process.Pid, nil, unix.WSTOPPED, nil)
}

func (a *attacker) release() { _ = a.cmd.Process.Signal(syscall.SIGCONT) }

// end returns the number of exchanges.
func (a *attacker) end() (int, error) {
	_ = a.stdin.Close()
	if err := a.cmd.Wait(); err != nil {
		return 0, fmt.Errorf("the attacker: %w\n%s", err, &a.err)
	}
	return strconv.Atoi(a.out.String())
}

// exchangeNames runs the attacker until its standard input is closed.
func exchangeNames(dir string) error {
	if os.Getuid() == 0 {
		return errors.New("an attacker that is root proves nothing")
	}
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var swaps []swap
	if err := json.Unmarshal(line, &swaps); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, in)
	}()
	for n := 0; ; {
		select {
		case <-ended:
			_, err := fmt.Print(n)
			return err
		default:
		}
		s := swaps[rand.IntN(len(swaps))]
		if exchangeOnce(dir, s) {
			n++
			spin(time.Duration(rand.IntN(100)) * time.Microsecond)
			for !exchangeBack(dir, s) {
				// The name is a mount point at the moment; retry until it isn't.
			}
		}
		spin(time.Duration(rand.IntN(400)) * time.Microsecond)
	}
}

func exchangeOnce(dir string, s swap) bool {
	if s.Decoy == "" {
		return os.Rename(filepath.Join(dir, s.Victim), filepath.Join(dir, s.Victim+".away")) == nil
	}
	return unix.Renameat2(unix.AT_FDCWD, filepath.Join(dir, s.Victim), unix.AT_FDCWD, filepath.Join(dir, s.Decoy),
		unix.RENAME_EXCHANGE) == nil
}

func exchangeBack(dir string, s swap) bool {
	if s.Decoy != "" {
		return exchangeOnce(dir, s)
	}
	return os.Rename(filepath.Join(dir, s.Victim+".away"), filepath.Join(dir, s.Victim)) == nil
}

// spin busy-waits for d without giving up the processor.
func spin(d time.Duration) {
	for begin := time.Now(); time.Since(begin) < d; {
	}
}
