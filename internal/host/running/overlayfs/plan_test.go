package overlayfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

const alphaEnv = "instances/alpha/instance.env"

// refusedPlaces are roots that must not be mounted, with a part of the expected error.
var refusedPlaces = []struct {
	name string
	make func(place)
	want string
}{
	{"layer with ..", func(p place) { p.list("overlays/../secret") }, `"overlays/../secret" is not a clean path`},
	{"layer above the root", func(p place) { p.list("../secret") }, `"../secret" is not a clean path`},
	{"absolute layer outside the root", func(p place) { p.list("/etc") }, `"/etc" is not beneath ` + "ROOT"},
	{"absolute layer that shares a prefix with the root", func(p place) { p.list(p.dir + "x/overlays/a") }, "is not beneath"},
	{"layer outside the allowed directories", func(p place) { p.list("secret") }, `"secret" is not among the allowed places`},
	{"the root itself", func(p place) { p.list(".") }, `"." is not among the allowed places`},
	{"allowed directory itself as layer", func(p place) { p.list("overlays") }, `"overlays" is not among the allowed places`},
	{"layer of another server", func(p place) { p.list("instances/beta/config/1") }, "is not among the allowed places"},
	{
		"colon in a layer", func(p place) { p.mkdir("overlays/a", "overlays/a:b"); p.list("overlays/a:b") },
		`"b" is not among the allowed places`,
	},
	{"instance directory as layer", func(p place) { p.list("instances/alpha") }, `"instances/alpha" is not among the allowed places`},
	{"parent of the instance as layer", func(p place) { p.list("instances/alpha/..") }, `"instances/alpha/.." is not a clean path`},
	{"layer with .", func(p place) { p.list("installation/./base") }, `"installation/./base" is not a clean path`},
	{"writable layer as layer", func(p place) { p.list("runtime/alpha/upper") }, `"runtime/alpha/upper" is not among the allowed places`},
	{"layer through a magic link", func(p place) { p.list("/proc/self/root") }, `"/proc/self/root" is not beneath`},
	{"layer longer than a path may be", func(p place) { p.list("overlays/" + strings.Repeat("a/", 2100)) }, "is longer than a path may be"},
	{"empty layer", func(p place) { p.list("installation/base", "") }, `"" is not a clean path`},
	{
		"symbolic link as layer", func(p place) { p.symlink("/etc", "overlays/evil"); p.list("overlays/evil") },
		"a symbolic link is on the way",
	},
	{
		"symbolic link in the path", func(p place) { p.symlink("../secret", "overlays/evil"); p.list("overlays/evil/1") },
		"a symbolic link is on the way",
	},
	{"mount point in the path", func(p place) {
		p.mkdir("overlays/evil/1")
		if err := unix.Mount(p.path("secret"), p.path("overlays/evil"), "", unix.MS_BIND, ""); err != nil {
			p.t.Fatal(err)
		}
		p.mkdir("overlays/evil/1")
		p.list("overlays/evil/1")
	}, "leaves the root or crosses a mount"},
	{"file as layer", func(p place) { p.write("overlays/file", ""); p.list("overlays/file") }, "not a directory"},
	{"missing layer", func(p place) { p.list("overlays/none/1") }, "no such file"},
	{
		"too many layers", func(p place) { p.list(strings.Split(strings.Repeat("installation/base:", 501), ":")[:501]...) },
		"501 layers are more than the kernel's 500",
	},
	{
		"far too many layers", func(p place) { p.list(slices.Repeat([]string{"a"}, 10_000)...) },
		"10000 layers are more than the kernel's 500",
	},
	{"only colons", func(p place) { p.list(strings.Repeat(":", 200_000)) }, "200001 layers are more than the kernel's 500"},
	{
		"tmpfs as layer", func(p place) { p.mountAt("overlays/memory", "tmpfs", "") },
		"leaves the root or crosses a mount",
	},
	{"user's FUSE file system as layer", func(p place) {
		if os.Getuid() != 0 {
			p.t.Skip("the kernel gives it to root and to user namespaces only, and these may not open the device")
		}
		// No process answers requests of this file system, so any access blocks.
		fuse, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
		if err != nil {
			p.t.Skip(err)
		}
		p.t.Cleanup(func() { fuse.Close() })
		p.mountAt("overlays/fuse", "fuse",
			fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d,allow_other", fuse.Fd(), nobody, nobody))
	}, "leaves the root or crosses a mount"},
	{"other file system mounted at merged", func(p place) {
		if err := unix.Mount("none", p.path("runtime/alpha/merged"), "tmpfs", 0, ""); err != nil {
			p.t.Fatal(err)
		}
	}, `merged "runtime/alpha/merged": leaves the root or crosses a mount`},
	{"no merged", func(p place) {
		if err := os.Rename(p.path("runtime/alpha/merged"), p.path("runtime/alpha/away")); err != nil {
			p.t.Fatal(err)
		}
	}, `merged "runtime/alpha/merged": no such file`},
	{"no layers", func(p place) { p.list() }, "names no layers"},
	{"no list", func(p place) { p.write(alphaEnv, "L4D2_PORT=1\n") }, "0 lines of L4D2_LOWERDIRS"},
	{"two lists", func(p place) { p.write(alphaEnv, "L4D2_LOWERDIRS=a\nL4D2_LOWERDIRS=b\n") }, "2 lines of L4D2_LOWERDIRS"},
	{"zero byte", func(p place) { p.list("overlays/a\x00b") }, "names no layers"},
	{"binary file as the list", func(p place) { p.write(alphaEnv, "\x7fELF\x00\xff\nL4D2_LOWERDIRS=\xff\x00\n") }, "names no layers"},
	{"bytes that aren't text", func(p place) { p.list("overlays/\xff\x1b[2J") }, `"overlays/\xff\x1b[2J": no such file`},
	{"hard link as the list", func(p place) {
		if err := os.Link(p.path(alphaEnv), p.path("secret/other")); err != nil {
			p.t.Fatal(err)
		}
	}, "has 2 hard links instead of one"},
	{"device as the list", func(p place) {
		if err := os.Remove(p.path(alphaEnv)); err != nil {
			p.t.Fatal(err)
		}
		if err := unix.Mknod(p.path(alphaEnv), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))); err != nil {
			p.t.Skip("this user can't make devices: ", err)
		}
	}, "not a regular file"},
	{"huge list", func(p place) { p.write(alphaEnv, strings.Repeat("#\n", maxEnv)) }, "longer than"},
	{"FIFO as the list", func(p place) {
		if err := errors.Join(os.Remove(p.path(alphaEnv)), unix.Mkfifo(p.path(alphaEnv), 0o600)); err != nil {
			p.t.Fatal(err)
		}
	}, "not a regular file"},
	{"directory as the list", func(p place) {
		if err := os.Remove(p.path(alphaEnv)); err != nil {
			p.t.Fatal(err)
		}
		p.mkdir(alphaEnv)
	}, "not a regular file"},
	{"symbolic link as the list", func(p place) {
		if err := os.Remove(p.path(alphaEnv)); err != nil {
			p.t.Fatal(err)
		}
		p.symlink("/etc/passwd", alphaEnv)
	}, "a symbolic link is on the way"},
	{"merged is a symbolic link", func(p place) { p.swapForLink("runtime/alpha/merged") }, "a symbolic link is on the way"},
	{"upper is a symbolic link", func(p place) { p.swapForLink("runtime/alpha/upper") }, "a symbolic link is on the way"},
	{"work is a symbolic link", func(p place) { p.swapForLink("runtime/alpha/work") }, "a symbolic link is on the way"},
	{"runtime directory behind a link", func(p place) {
		if err := os.Rename(p.path("runtime/alpha"), p.path("secret/alpha")); err != nil {
			p.t.Fatal(err)
		}
		p.symlink("../secret/alpha", "runtime/alpha")
	}, "a symbolic link is on the way"},
}

func TestInvalidStacksAreRefused(t *testing.T) {
	for _, c := range refusedPlaces {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			p.layers("installation/base")
			p.mkdir("secret", "overlays")
			before := len(p.mounts())
			c.make(p)
			made := len(p.mounts()) - before
			err := p.Mount("alpha")
			if !errors.Is(err, ErrRefused) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) {
				t.Errorf("got %v, want ErrRefused or a missing file", err)
			}
			if want := strings.ReplaceAll(c.want, "ROOT", p.dir); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to contain %q", err, want)
			}
			if n := len(p.mounts()) - before - made; n != 0 {
				t.Errorf("%d new mounts, want none", n)
			}
		})
	}
}

func (p place) swapForLink(rel string) { p.swapForLinkTo(rel, p.path("secret")) }

func (p place) swapForLinkTo(rel, to string) {
	p.t.Helper()
	if err := os.Remove(p.path(rel)); err != nil {
		p.t.Fatal(err)
	}
	p.symlink(to, rel)
}

func TestAbsoluteLayerBelowRootIsAccepted(t *testing.T) {
	p := newPlace(t)
	p.layers("installation/base")
	p.list(p.path("installation/base"))
	p.mustMount()
	p.read("runtime/alpha/merged/which")
	p.mustUnmount()
}

func TestInvalidServerNamesAreRefused(t *testing.T) {
	p := newPlace(t)
	for _, n := range []left4me.Name{
		"", ".", "..", "../alpha", "a/b", "A", "-x", `\x2f`, "alpha\n",
		left4me.Name(strings.Repeat("a", 65)),
	} {
		_, mounted := p.Mounted(n)
		for _, err := range []error{p.Mount(n), p.Unmount(n), mounted} {
			if !errors.Is(err, ErrRefused) {
				t.Errorf("name %q: got %v, want ErrRefused", n, err)
			}
		}
	}
}

func FuzzParseLowerdirs(f *testing.F) {
	f.Add([]byte("L4D2_PORT=27015\nL4D2_LOWERDIRS=instances/a/config/1:installation/base\n"))
	f.Add([]byte("L4D2_LOWERDIRS=\nL4D2_LOWERDIRS=x"))
	f.Add([]byte("\nL4D2_LOWERDIRS=:::\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dirs, err := parseLowerdirs(b)
		if err != nil {
			if !errors.Is(err, ErrRefused) {
				t.Errorf("got %v, want ErrRefused", err)
			}
			return
		}
		r := &Root{path: "/r"}
		for _, d := range dirs {
			if rel, err := r.allowed("alpha", d); err == nil && (rel == "" || rel[0] == '/' || strings.Contains("/"+rel+"/", "/../")) {
				t.Errorf("layer %q was accepted as %q", d, rel)
			}
		}
	})
}

// mountAt mounts a file system as a layer and adds it to the layer list.
func (p place) mountAt(rel, kind, data string) {
	p.t.Helper()
	p.mkdir(rel)
	if err := unix.Mount("none", p.path(rel), kind, 0, data); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = unix.Unmount(p.path(rel), unix.MNT_DETACH) })
	p.list(rel)
}
