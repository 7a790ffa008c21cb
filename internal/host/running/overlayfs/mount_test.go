package overlayfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// ways are the two ways to mount: the one for current kernels and the one for older kernels.
var ways = []struct {
	name  string
	mount func(*Stack) error
}{
	{"by descriptor", (*Stack).mountByFD},
	{"by the names of descriptors", func(s *Stack) error { return s.mountByName(nil) }},
}

// each runs a test once for each of the ways to mount.
func each(t *testing.T, f func(t *testing.T, mount func(place))) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			f(t, func(p place) {
				t.Helper()
				s, err := p.Plan("alpha")
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if err := s.openMerged(); err != nil {
					t.Fatal(err)
				}
				if err := way.mount(s); errors.Is(err, errNoLayerFD) {
					t.Skip(err)
				} else if err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func TestLayersAreStackedTopFirst(t *testing.T) {
	each(t, func(t *testing.T, mount func(place)) {
		for _, n := range []int{1, 2, 10, MaxLayers} {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				p := newPlace(t)
				rels := []string{"instances/alpha/config/1"}
				for i := 1; i < n; i++ {
					rels = append(rels, fmt.Sprintf("overlays/with-a-name-as-long-as-real-ones-are-%d/1", i))
				}
				p.layers(rels...)
				mount(p)
				p.wantMounted(true)
				if got := p.read("runtime/alpha/merged/which"); got != "0" {
					t.Errorf("top layer = %s, want 0", got)
				}
				p.read(fmt.Sprintf("runtime/alpha/merged/own%d", n-1))
				p.write("runtime/alpha/merged/which", "new")
				if got := p.read(rels[0] + "/which"); got != "0" {
					t.Errorf("a write changed the layer: %q", got)
				}
				p.mustUnmount()
				p.wantMounted(false)
				if got := p.read("runtime/alpha/upper/which"); got != "new" {
					t.Errorf("upper file = %q, want \"new\"", got)
				}
			})
		}
	})
}

func TestMountIgnoresDevicesAndSetuidBits(t *testing.T) {
	each(t, func(t *testing.T, mount func(place)) {
		p := newPlace(t)
		p.layers("installation/base")
		mount(p)
		var st unix.Statfs_t
		if err := unix.Statfs(p.path("runtime/alpha/merged"), &st); err != nil {
			t.Fatal(err)
		}
		const want = unix.ST_NOSUID | unix.ST_NODEV
		if st.Flags&want != want {
			t.Errorf("mount flags = %#x", st.Flags)
		}
	})
}

func TestMountAcceptsOddCharactersInPaths(t *testing.T) {
	each(t, func(t *testing.T, mount func(place)) {
		dir := t.TempDir() + `/a:b,c\d e=f`
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		p := placeIn(t, dir)
		rels := []string{
			"overlays/comma,upperdir=x/1", `overlays/back\slash/1`, "overlays/some space/1", "overlays/ünï/1",
			"installation/base",
		}
		p.layers(rels...)
		mount(p)
		for i := range rels {
			p.read(fmt.Sprintf("runtime/alpha/merged/own%d", i))
		}
		p.mustUnmount()
	})
}

func TestMountIsIdempotent(t *testing.T) {
	p := newPlace(t)
	p.layers("installation/base")
	for range 2 {
		p.mustMount()
	}
	if at := p.mounts(); len(at) != 1 {
		t.Errorf("mounts: %q, want one", at)
	}
	for range 2 {
		p.mustUnmount()
	}
	p.wantMounted(false)
}

func TestUnmountWithoutMountSucceeds(t *testing.T) {
	p := newPlace(t)
	if err := p.Unmount("beta"); err != nil {
		t.Errorf("server that doesn't exist: %v", err)
	}
	if err := os.RemoveAll(p.path("runtime/alpha/merged")); err != nil {
		t.Fatal(err)
	}
	p.mustUnmount()
	p.wantMounted(false)
}

func TestRootOnOverlayDoesNotCountAsMounted(t *testing.T) {
	outer := newPlace(t)
	outer.layers("installation/base")
	outer.mustMount()
	p := place{t: t, dir: outer.path("runtime/alpha/merged")}
	p.mkdir("runtime/alpha/merged")
	root, err := OpenRoot(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	p.Root = root
	p.wantMounted(false)
}

func TestMountedWorksIfRootConsistsOfSeveralMounts(t *testing.T) {
	p := newPlace(t)
	p.layers("installation/base")
	p.mustMount()
	// The sandbox of a unit mounts a writable directory onto itself in the same way.
	server := p.path("runtime/alpha")
	if err := unix.Mount(server, server, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		t.Fatal(err)
	}
	p.wantMounted(true)
	if err := unix.Unmount(server, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	p.mustUnmount()
}

func TestUnmountDetachesMountWithReader(t *testing.T) {
	each(t, func(t *testing.T, mount func(place)) {
		p := newPlace(t)
		p.layers("installation/base")
		mount(p)
		f, err := os.Open(p.path("runtime/alpha/merged/which"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		p.mustUnmount()
		p.wantMounted(false)
		if b, err := io.ReadAll(f); err != nil || string(b) != "0" {
			t.Errorf("the reader lost access: %q, %v", b, err)
		}
		mount(p)
		p.write("runtime/alpha/merged/which", "again")
		p.mustUnmount()
	})
}

func TestUnmountFailsWithWriter(t *testing.T) {
	each(t, func(t *testing.T, mount func(place)) {
		p := newPlace(t)
		p.layers("installation/base")
		mount(p)
		f, err := os.Create(p.path("runtime/alpha/merged/log"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := p.Unmount("alpha"); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "still writes") {
			t.Errorf("unmount while written to: got %v, want ErrBusy", err)
		}
		p.mustMount() // keeps the existing mount
		if at := p.mounts(); len(at) != 1 {
			t.Errorf("mounts: %q, want one", at)
		}
		if _, err := f.WriteString("x"); err != nil {
			t.Errorf("the writer lost access: %v", err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		p.mustUnmount()
		p.wantMounted(false)
	})
}

func TestLeftoversOfKilledServerDoNotPreventMount(t *testing.T) {
	p := newPlace(t)
	p.layers("installation/base")
	// overlayfs leaves the first directory; a killed helper also leaves the second.
	p.mkdir("runtime/alpha/work/work/#1")
	if err := os.Chmod(p.path("runtime/alpha/work/work"), 0); err != nil {
		t.Fatal(err)
	}
	p.mustMount()
	p.mustUnmount()
	if _, err := os.Lstat(p.path("runtime/alpha/work/work")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("work/work is still there: %v", err)
	}
}

func TestUnmountRemovesRootOwnedWorkDirectory(t *testing.T) {
	each(t, func(t *testing.T, mount func(place)) {
		p := newPlace(t)
		p.layers("installation/base")
		mount(p)
		// The whiteout has another hard link in work.
		if err := os.Remove(p.path("runtime/alpha/merged/which")); err != nil {
			t.Fatal(err)
		}
		p.mustUnmount()
		if _, err := os.Lstat(p.path("runtime/alpha/work/work")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("work/work is still there: %v", err)
		}
	})
}

func TestUpperWithFuseOverlayfsAttributesIsRefused(t *testing.T) {
	for _, at := range []string{"runtime/alpha/upper", "runtime/alpha/upper/a/b", "runtime/alpha/upper/a/file"} {
		p := newPlace(t)
		p.layers("installation/base")
		p.mkdir("runtime/alpha/upper/a/b")
		p.write("runtime/alpha/upper/a/file", "")
		// Marks must be found among more attributes than fit a small buffer.
		for i := range 40 {
			if err := unix.Setxattr(p.path(at), fmt.Sprintf("user.of-a-plugin-with-a-long-name.%d", i), nil, 0); err != nil {
				t.Skip("no attributes on this file system: ", err)
			}
		}
		p.mustMount()
		p.mustUnmount()
		if err := unix.Setxattr(p.path(at), "user.fuseoverlayfs.opaque", []byte("y"), 0); err != nil {
			t.Fatal(err)
		}
		if err := p.Mount("alpha"); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "written by fuse-overlayfs") {
			t.Errorf("mark on %s: got %v, want ErrRefused", at, err)
		}
		p.wantMounted(false)
	}
}

// Files that an admin copied into a layer as root can be read by the users whom their mode allows to.
// Files that only root may read stay private, even in a stack that root has mounted.
func TestLayerFilesOfRootKeepTheirPermissions(t *testing.T) {
	onlyRoot(t)
	each(t, func(t *testing.T, mount func(place)) {
		p := newPlace(t)
		p.layers("overlays/copied/1", "installation/base")
		p.write("overlays/copied/1/map", "map")
		p.write("overlays/copied/1/secret", "secret")
		must(t, os.Chmod(p.path("overlays/copied/1/secret"), 0o600))
		must(t, os.Chmod(filepath.Dir(p.dir), 0o755))
		for _, rel := range []string{"installation/base", "runtime/alpha/upper", "runtime/alpha/merged", "installation/base/which"} {
			must(t, os.Chown(p.path(rel), nobody, nobody))
		}
		mount(p)
		game := func(script string) error {
			cmd := exec.Command("/bin/sh", "-c", script)
			cmd.Dir = p.path("runtime/alpha/merged")
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			return cmd.Run()
		}
		for _, c := range []struct {
			script string
			done   bool
		}{
			{"cat map", true},
			{"cat secret", false},
			{"echo x >> map", false},
			{"rm map && echo x > map", true}, // its directory belongs to the game
			{"echo x > new && chmod 700 new", true},
		} {
			if err := game(c.script); (err == nil) != c.done {
				t.Errorf("script %q: %v", c.script, err)
			}
		}
		if got := p.read("overlays/copied/1/map"); got != "map" {
			t.Errorf("layer file = %q, want \"map\"", got)
		}
		p.mustUnmount()
	})
}

// A process in another mount namespace may move a mount point. The mount moves with it, isn't searched
// for, and nothing outside is touched.
func TestMovedMountPointIsLeftAlone(t *testing.T) {
	p := newPlace(t)
	p.layers("installation/base")
	p.mustMount()
	// In a mount namespace without the mount, its mount point is an ordinary directory.
	move := exec.Command("/proc/self/exe")
	move.Env = []string{moveVar + "=" + p.path("runtime/alpha/merged")}
	move.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if out, err := move.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if at := p.mounts(); len(at) != 1 || !strings.HasSuffix(at[0], "/runtime/alpha/merged.away") {
		t.Fatalf("mounted: %q", at)
	}
	p.wantMounted(false)
	p.mustUnmount()
	if err := p.Mount("alpha"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("mount without merged: got %v, want ErrNotExist", err)
	}
	p.mkdir("runtime/alpha/merged")
	p.mustMount()
	p.wantMounted(true)
	p.mustUnmount()
}

// If fuse-overlayfs couldn't create devices, it used files without attributes.
func TestUpperWithFuseOverlayfsWhiteoutsIsRefused(t *testing.T) {
	for _, name := range []string{".wh.pak01_dir.vpk", "a/.wh..wh..opq"} {
		p := newPlace(t)
		p.layers("installation/base")
		p.mkdir("runtime/alpha/upper/a")
		p.write("runtime/alpha/upper/"+name, "")
		if err := p.Mount("alpha"); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "written by fuse-overlayfs") {
			t.Errorf("whiteout %s: got %v, want ErrRefused", name, err)
		}
	}
}

// The scan of an upper directory ends even if the game has created a huge one.
func TestUpperScanIsBounded(t *testing.T) {
	p := newPlace(t)
	p.layers("installation/base")
	dir := "runtime/alpha/upper"
	for range 500 {
		dir += "/d"
	}
	p.mkdir(dir)
	p.mustMount()
	p.mustUnmount()
}
