package overlayfs

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me"
)

func TestWhatIsRefused(t *testing.T) {
	env := "instances/alpha/instance.env"
	for _, c := range []struct {
		name string
		make func(place)
		want string
	}{
		{"a layer by ..", func(p place) { p.list("overlays/../secret") }, `"overlays/../secret" is not a clean path`},
		{"a layer above the root", func(p place) { p.list("../secret") }, `"../secret" is not a clean path`},
		{"an absolute layer outside", func(p place) { p.list("/etc") }, `"/etc" is not beneath ` + "ROOT"},
		{"an absolute layer that only begins like the root", func(p place) { p.list(p.dir + "x/overlays/a") }, "is not beneath"},
		{"a layer in another place", func(p place) { p.list("secret") }, `"secret" is not among the allowed places`},
		{"the root itself", func(p place) { p.list(".") }, `"." is not among the allowed places`},
		{"a place instead of a layer", func(p place) { p.list("overlays") }, `"overlays" is not among the allowed places`},
		{"a layer of another server", func(p place) { p.list("instances/beta/config/1") }, "is not among the allowed places"},
		{"a colon in a layer", func(p place) { p.mkdir("overlays/a", "overlays/a:b"); p.list("overlays/a:b") }, `"b" is not among the allowed places`},
		{"an empty layer", func(p place) { p.list("installation/base", "") }, `"" is not a clean path`},
		{"a link as a layer", func(p place) { p.symlink("/etc", "overlays/evil"); p.list("overlays/evil") }, "a symbolic link is on the way"},
		{"a link on the way", func(p place) { p.symlink("../secret", "overlays/evil"); p.list("overlays/evil/1") }, "a symbolic link is on the way"},
		{"a mount on the way", func(p place) {
			p.mkdir("overlays/evil/1")
			if err := unix.Mount(p.path("secret"), p.path("overlays/evil"), "", unix.MS_BIND, ""); err != nil {
				p.t.Fatal(err)
			}
			p.mkdir("overlays/evil/1")
			p.list("overlays/evil/1")
		}, "leaves the root or crosses a mount"},
		{"a file as a layer", func(p place) { p.write("overlays/file", ""); p.list("overlays/file") }, "not a directory"},
		{"a layer that isn't there", func(p place) { p.list("overlays/none/1") }, "no such file"},
		{"too many layers", func(p place) { p.list(strings.Split(strings.Repeat("installation/base:", 501), ":")[:501]...) }, "501 layers are more than the kernel's 500"},
		{"no layers", func(p place) { p.list() }, "names no layers"},
		{"no list", func(p place) { p.write(env, "L4D2_PORT=1\n") }, "0 lines of L4D2_LOWERDIRS"},
		{"two lists", func(p place) { p.write(env, "L4D2_LOWERDIRS=a\nL4D2_LOWERDIRS=b\n") }, "2 lines of L4D2_LOWERDIRS"},
		{"a zero byte", func(p place) { p.list("overlays/a\x00b") }, "names no layers"},
		{"a huge file", func(p place) { p.write(env, strings.Repeat("#\n", maxEnv)) }, "longer than"},
		{"a FIFO", func(p place) {
			if err := errors.Join(os.Remove(p.path(env)), unix.Mkfifo(p.path(env), 0o600)); err != nil {
				p.t.Fatal(err)
			}
		}, "not a regular file"},
		{"a directory as the list", func(p place) {
			if err := os.Remove(p.path(env)); err != nil {
				p.t.Fatal(err)
			}
			p.mkdir(env)
		}, "not a regular file"},
		{"a link as the list", func(p place) {
			if err := os.Remove(p.path(env)); err != nil {
				p.t.Fatal(err)
			}
			p.symlink("/etc/passwd", env)
		}, "a symbolic link is on the way"},
		{"merged as a link", func(p place) { p.swapForLink("runtime/alpha/merged") }, "a symbolic link is on the way"},
		{"upper as a link", func(p place) { p.swapForLink("runtime/alpha/upper") }, "a symbolic link is on the way"},
		{"work as a link", func(p place) { p.swapForLink("runtime/alpha/work") }, "a symbolic link is on the way"},
		{"all of them behind a link", func(p place) {
			if err := os.Rename(p.path("runtime/alpha"), p.path("secret/alpha")); err != nil {
				p.t.Fatal(err)
			}
			p.symlink("../secret/alpha", "runtime/alpha")
		}, "a symbolic link is on the way"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			p.layers("installation/base")
			p.mkdir("secret", "overlays")
			before := len(p.mounts())
			c.make(p)
			made := len(p.mounts()) - before
			err := p.Mount("alpha")
			if !errors.Is(err, ErrRefused) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) {
				t.Errorf("%v is neither refused nor missing", err)
			}
			if want := strings.ReplaceAll(c.want, "ROOT", p.dir); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q in it", err, want)
			}
			if n := len(p.mounts()) - before - made; n != 0 {
				t.Errorf("%d more mounts", n)
			}
		})
	}
}

func (p place) swapForLink(rel string) {
	p.t.Helper()
	if err := os.Remove(p.path(rel)); err != nil {
		p.t.Fatal(err)
	}
	p.symlink(p.path("secret"), rel)
}

func TestAnAbsoluteLayerBeneathTheRootIsTaken(t *testing.T) {
	p := newPlace(t)
	p.layers("installation/base")
	p.list(p.path("installation/base"))
	p.mustMount()
	p.read("runtime/alpha/merged/which")
	p.mustUnmount()
}

func TestWhatIsNoNameIsRefused(t *testing.T) {
	p := newPlace(t)
	for _, n := range []left4me.Name{"", ".", "..", "../alpha", "a/b", "A", "-x", `\x2f`, "alpha\n", left4me.Name(strings.Repeat("a", 65))} {
		_, mounted := p.Mounted(n)
		for _, err := range []error{p.Mount(n), p.Unmount(n), mounted} {
			if !errors.Is(err, ErrRefused) {
				t.Errorf("%q: %v", n, err)
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
				t.Errorf("%v is not refused", err)
			}
			return
		}
		r := &Root{path: "/r"}
		for _, d := range dirs {
			if rel, err := r.allowed("alpha", d); err == nil && (rel == "" || rel[0] == '/' || strings.Contains("/"+rel+"/", "/../")) {
				t.Errorf("%q became %q", d, rel)
			}
		}
	})
}
