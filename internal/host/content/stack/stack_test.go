package stack_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/stack"
	"github.com/left4me/left4me/internal/left4me"
)

// insideVar is set in the child process that runs in its own mount namespace.
const insideVar = "LEFT4ME_TEST_NAMESPACE"

// TestMain runs the tests in a mount namespace of their own, because they compare stacks with real
// mounts.
func TestMain(m *testing.M) {
	if os.Getenv(insideVar) != "" {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			fmt.Fprintln(os.Stderr, "private mounts:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	var exit *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// overlay is a directory with layers that were written through real mounts.
type overlay struct {
	*testing.T
	dir    string
	layers []stack.Layer // top first
}

func newOverlay(t *testing.T) *overlay {
	// If /tmp is an overlay, it can't contain the upper directory of another.
	dir := t.TempDir()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	if st.Type == unix.OVERLAYFS_SUPER_MAGIC {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	}
	return &overlay{T: t, dir: dir}
}

// write creates a new topmost layer that contains the changes f makes to the merged tree.
func (o *overlay) write(f func(merged string)) {
	o.Helper()
	n := len(o.layers)
	upper := filepath.Join(o.dir, fmt.Sprint("layer", n))
	o.mkdir(upper)
	if n == 0 {
		f(upper)
	} else {
		o.mounted(upper, f)
	}
	o.layers = append([]stack.Layer{{Name: fmt.Sprint("layer ", n), Dir: upper}}, o.layers...)
}

// mounted calls f while the layers are mounted below upper.
func (o *overlay) mounted(upper string, f func(merged string)) {
	o.Helper()
	work, merged := filepath.Join(o.dir, "work"), filepath.Join(o.dir, "merged")
	if err := errors.Join(os.RemoveAll(work), os.MkdirAll(work, 0o755), os.MkdirAll(merged, 0o755)); err != nil {
		o.Fatal(err)
	}
	lowers := []string{}
	for _, l := range o.layers {
		lowers = append(lowers, l.Dir)
	}
	options := "lowerdir=" + strings.Join(lowers, ":") + ",userxattr"
	if upper != "" {
		options += ",upperdir=" + upper + ",workdir=" + work
	}
	if err := unix.Mount("overlay", merged, "overlay", 0, options); err != nil {
		o.Fatal(err)
	}
	defer func() {
		if err := unix.Unmount(merged, 0); err != nil {
			o.Error(err)
		}
	}()
	f(merged)
}

func (o *overlay) mkdir(dir string) {
	o.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		o.Fatal(err)
	}
}

// open opens the stack of all layers.
func (o *overlay) open() *stack.Stack {
	o.Helper()
	s, err := stack.Open(o.layers)
	if err != nil {
		o.Fatal(err)
	}
	o.Cleanup(s.Close)
	return s
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:8])
}

// listed returns what the stack shows, page by page, in the same format as for a real mount.
func listed(t *testing.T, s *stack.Stack, limit int) map[string]string {
	t.Helper()
	all := map[string]string{}
	var dirs func(dir string)
	dirs = func(dir string) {
		for after := ""; ; {
			page, err := s.Page(t.Context(), left4me.Filter{Dir: dir, After: after, Limit: limit})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range page.Items {
				if f.Dir {
					all[f.Path] = "directory"
					dirs(f.Path)
					continue
				}
				all[f.Path] = content(t, s, f)
			}
			if after = page.Next; after == "" {
				return
			}
		}
	}
	dirs("")
	return all
}

func content(t *testing.T, s *stack.Stack, f left4me.TreeFile) string {
	t.Helper()
	r, _, err := s.File(t.Context(), f.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil || int64(len(b)) != f.Size {
		t.Fatal(f.Path, len(b), f.Size, err)
	}
	return sum(b)
}

// deep lists all files in one walk, page by page, and checks their order.
func deep(t *testing.T, s *stack.Stack, limit int) (paths []string) {
	t.Helper()
	for after := ""; ; {
		page, err := s.Page(t.Context(), left4me.Filter{Deep: true, After: after, Limit: limit})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Items {
			paths = append(paths, f.Path)
		}
		if after = page.Next; after == "" {
			return paths
		}
	}
}

// scribble makes random changes to a tree, so that all kinds of overlayfs marks occur.
func scribble(t *testing.T, rng *rand.Rand, dir string) {
	t.Helper()
	names := []string{"a", "b", "a-b", "c.cfg", "d"}
	for range 30 {
		p := dir
		for range 1 + rng.IntN(3) {
			p = filepath.Join(p, names[rng.IntN(len(names))])
		}
		switch rng.IntN(5) {
		case 0, 1:
			_ = os.MkdirAll(filepath.Dir(p), 0o755) // fails if a file is in the way
			_ = os.WriteFile(p, fmt.Appendf(nil, "%d", rng.IntN(4)), 0o644)
		case 2:
			_ = os.RemoveAll(p)
		case 3: // a recreated directory is opaque
			if os.RemoveAll(p) == nil {
				_ = os.MkdirAll(p, 0o755)
			}
		case 4:
			_ = os.Rename(p, filepath.Join(dir, names[rng.IntN(len(names))]))
		}
	}
}

func TestMergedTreeMatchesKernel(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			o := newOverlay(t)
			for range 2 + rng.IntN(5) {
				o.write(func(merged string) { scribble(t, rng, merged) })
			}
			want, s := map[string]string{}, o.open()
			o.mounted("", func(merged string) {
				err := filepath.WalkDir(merged, func(p string, d fs.DirEntry, err error) error {
					rel, _ := filepath.Rel(merged, p)
					if err != nil || rel == "." {
						return err
					}
					if d.IsDir() {
						want[rel] = "directory"
						return nil
					}
					b, err := os.ReadFile(p)
					want[rel] = sum(b)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			})
			if d := cmp.Diff(want, listed(t, s, 2)); d != "" {
				t.Error(d)
			}
			var files []string
			for p, what := range want {
				if what != "directory" {
					files = append(files, p)
				}
			}
			slices.Sort(files)
			got := deep(t, s, 3)
			slices.Sort(got)
			if !slices.Equal(got, files) {
				t.Errorf("walk: got %v\nwant: %v", got, files)
			}
		})
	}
}

func TestFileReportsLayerAndHiddenLayers(t *testing.T) {
	o := newOverlay(t)
	text := func(dir, name, text string) {
		o.mkdir(filepath.Dir(filepath.Join(dir, name)))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o.write(func(d string) {
		text(d, "cfg/server.cfg", "game")
		text(d, "cfg/old.cfg", "game")
		text(d, "addons/x.vpk", "game")
	})
	o.write(func(d string) { text(d, "cfg/server.cfg", "maps") })
	o.write(func(d string) {
		text(d, "cfg/server.cfg", "written")
		if err := errors.Join(os.Remove(filepath.Join(d, "cfg/old.cfg")), os.RemoveAll(filepath.Join(d, "addons")),
			os.Mkdir(filepath.Join(d, "addons"), 0o755)); err != nil {
			t.Fatal(err)
		}
		text(d, "addons/y.vpk", "written")
	})
	s := o.open()
	page, err := s.Page(t.Context(), left4me.Filter{Dir: "cfg"})
	if err != nil || len(page.Items) != 1 || page.Total != 1 {
		t.Fatal(page, err)
	}
	if f := page.Items[0]; f.Layer != "layer 2" || !slices.Equal(f.Hides, []string{"layer 1", "layer 0"}) || f.Size != 7 {
		t.Errorf("file: %+v", f)
	}
	written, err := s.Written(t.Context(), left4me.Filter{Deep: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range written.Items {
		got = append(got, fmt.Sprint(f.Path, " ", f.Gone, " ", f.Hides))
	}
	want := []string{"addons/y.vpk false []", "cfg/old.cfg true [layer 0]", "cfg/server.cfg false [layer 1 layer 0]"}
	if !slices.Equal(got, want) {
		t.Errorf("written files: %q", got)
	}
	top, err := s.Written(t.Context(), left4me.Filter{})
	if err != nil || len(top.Items) != 2 || !top.Items[0].Opaque || top.Items[1].Opaque {
		t.Errorf("top directory: %+v, %v", top, err)
	}
	found, err := s.Page(t.Context(), left4me.Filter{Query: "SERVER"})
	if err != nil || len(found.Items) != 1 || found.Items[0].Path != "cfg/server.cfg" {
		t.Errorf("query: %+v, %v", found, err)
	}
	for p, kind := range map[string]left4me.Kind{
		"cfg/old.cfg":  left4me.NotFound,
		"addons/x.vpk": left4me.NotFound,
		"cfg":          left4me.Invalid,
		"../x":         left4me.Invalid,
		"/etc/passwd":  left4me.Invalid,
	} {
		if _, _, err := s.File(t.Context(), p); !errors.Is(err, kind) {
			t.Errorf("%s: got error %v", p, err)
		}
	}
}

// A plugin can create any kind of file.
func TestHostileLayerCannotEscape(t *testing.T) {
	o := newOverlay(t)
	secret := filepath.Join(o.dir, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	upper := filepath.Join(o.dir, "upper")
	o.mkdir(filepath.Join(upper, "cfg"))
	if err := errors.Join(
		os.Symlink(secret, filepath.Join(upper, "cfg/link")), os.Symlink("../..", filepath.Join(upper, "up")),
		unix.Mkfifo(filepath.Join(upper, "cfg/pipe"), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	o.layers = []stack.Layer{{Name: "written", Dir: upper}}
	s := o.open()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, p := range []string{"cfg/link", "cfg/pipe", "up"} {
		if _, _, err := s.File(ctx, p); !errors.Is(err, left4me.Invalid) {
			t.Errorf("%s: got %v, want Invalid", p, err)
		}
	}
	for _, p := range []string{"up/secret", "up/upper/cfg"} {
		if _, _, err := s.File(ctx, p); !errors.Is(err, left4me.NotFound) {
			t.Errorf("%s: got %v, want NotFound", p, err)
		}
	}
	page, err := s.Page(ctx, left4me.Filter{Deep: true})
	if err != nil || len(page.Items) != 3 {
		t.Errorf("page: %+v, %v", page, err)
	}
	// A symbolic link in place of the layer itself isn't followed either.
	link := filepath.Join(o.dir, "link")
	if err := os.Symlink(o.dir, link); err != nil {
		t.Fatal(err)
	}
	o.layers = []stack.Layer{{Name: "written", Dir: link}}
	if page, err := o.open().Page(ctx, left4me.Filter{Deep: true}); err != nil || len(page.Items) > 0 {
		t.Errorf("layer that is a symbolic link: %+v, %v", page, err)
	}
}

// A plugin can use file names that JSON can't represent. Paging must continue after such a name.
func TestPagingPassesNamesThatAreNotUTF8(t *testing.T) {
	dir := t.TempDir()
	want := map[string]int{}
	for i := range 20 {
		for _, name := range []string{"\xff%02d", "\x80%02d", "a%02d"} {
			name = fmt.Sprintf(name, i)
			want[strings.ToValidUTF8(name, "\ufffd")]++
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := stack.Open([]stack.Layer{{Name: "written", Dir: dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	empty, err := stack.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	for what, next := range map[string]func(after string) (paths []string, token string, err error){
		"written": func(after string) (paths []string, token string, err error) {
			page, err := s.Written(t.Context(), left4me.Filter{After: after, Limit: 7})
			for _, f := range page.Items {
				paths = append(paths, f.Path)
			}
			return paths, page.Next, err
		},
		"diff": func(after string) (paths []string, token string, err error) {
			page, err := stack.Diff(t.Context(), empty, s, after, 7)
			for _, f := range page.Items {
				paths = append(paths, f.Path)
			}
			return paths, page.Next, err
		},
	} {
		got := map[string]int{}
		for after, pages := "", 0; ; pages++ {
			paths, token, err := next(after)
			if err != nil || pages > 20 {
				t.Fatalf("%s: page %d after %q: %v", what, pages, after, err)
			}
			for _, p := range paths {
				got[strings.ToValidUTF8(p, "\ufffd")]++
			}
			if after = strings.ToValidUTF8(token, "\ufffd"); after == "" { // as JSON transmits it
				break
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
}

func TestDiffFindsAllDifferencesOfRandomStacks(t *testing.T) {
	o := newOverlay(t)
	rng := rand.New(rand.NewPCG(7, 7))
	for range 4 {
		o.write(func(merged string) { scribble(t, rng, merged) })
	}
	all := o.layers
	for i := range all {
		for j := range all {
			from, to := &overlay{T: t, layers: all[i:]}, &overlay{T: t, layers: all[j:]}
			a, b := from.open(), to.open()
			before, after := listed(t, a, 100), listed(t, b, 100)
			want := map[string]string{}
			for p, x := range before {
				switch y, ok := after[p]; {
				case x != "directory" && (!ok || y == "directory"):
					want[p] = "removed"
				case x != "directory" && x != y:
					want[p] = "changed"
				}
			}
			for p, y := range after {
				if x, ok := before[p]; y != "directory" && (!ok || x == "directory") {
					want[p] = "added"
				}
			}
			got := map[string]string{}
			for next := ""; ; {
				page, err := stack.Diff(t.Context(), a, b, next, 2)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range page.Items {
					got[c.Path] = c.What
				}
				if next = page.Next; next == "" {
					break
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%d to %d: %s", i, j, d)
			}
		}
	}
}
