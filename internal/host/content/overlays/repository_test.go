package overlays_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/vpk"
)

// repository is a real repository in a temporary directory.
type repository struct {
	*overlays.Repository
	t    *testing.T
	root string
	jobs int
}

func newRepository(t *testing.T) *repository {
	root := t.TempDir()
	return &repository{overlays.Open(root, -1), t, root, 0}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *repository) stage(name left4me.Name) *overlays.Staging {
	s.t.Helper()
	s.jobs++
	st, err := s.Stage(s.t.Context(), name, left4me.JobID(fmt.Sprintf("job-%d", s.jobs)))
	must(s.t, err)
	s.t.Cleanup(func() { st.Close() })
	return st
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		must(t, os.WriteFile(file, []byte(text), 0o644))
	}
}

// publish publishes a revision with exactly these files.
func (s *repository) publish(name left4me.Name, files map[string]string) (left4me.Revision, bool) {
	s.t.Helper()
	st := s.stage(name)
	write(s.t, st.Dir(), files)
	return s.finish(st)
}

func (s *repository) finish(st *overlays.Staging) (left4me.Revision, bool) {
	s.t.Helper()
	r, changed, err := s.Publish(s.t.Context(), st, overlays.Meta{By: "al", Note: "why"}, nil)
	must(s.t, err)
	must(s.t, st.Close())
	return r, changed
}

func (s *repository) path(name left4me.Name, rev int, p ...string) string {
	return filepath.Join(append([]string{s.root, "overlays", string(name), strconv.Itoa(rev)}, p...)...)
}

func (s *repository) inode(file string) uint64 {
	s.t.Helper()
	var st unix.Stat_t
	must(s.t, unix.Lstat(file, &st))
	return st.Ino
}

// files reads all files of a directory.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		if !d.IsDir() {
			b, err := os.ReadFile(name)
			must(t, err)
			all[rel] = string(b)
		}
		return nil
	}))
	return all
}

// checkNoLeftovers checks that no temporary files remain.
func (s *repository) checkNoLeftovers() {
	s.t.Helper()
	for _, dir := range []string{"tmp", "overlays/.new", "overlays/.gone"} {
		entries, err := os.ReadDir(filepath.Join(s.root, dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.t.Error(err)
		}
		for _, e := range entries {
			s.t.Errorf("%s/%s remains", dir, e.Name())
		}
	}
}

func TestPublishCreatesRevisionFromStagedFiles(t *testing.T) {
	s := newRepository(t)
	st := s.stage("maps")
	write(t, st.Dir(), map[string]string{"left4dead2/cfg/a.cfg": "a", "left4dead2/addons/b.vpk": "b"})
	must(t, os.Chmod(filepath.Join(st.Dir(), "left4dead2/cfg/a.cfg"), 0o755))
	must(t, os.Mkdir(filepath.Join(st.Dir(), "left4dead2/empty"), 0o700))
	r, changed := s.finish(st)
	if !changed || r.Number != 1 || r.Files != 2 || r.Bytes != 2 || r.Added != 3 || r.By != "al" || r.Note != "why" {
		t.Errorf("got %+v, changed %t, want revision 1 with 2 files and 3 additions", r, changed)
	}
	want := map[string]string{"left4dead2/cfg/a.cfg": "a", "left4dead2/addons/b.vpk": "b"}
	if d := cmp.Diff(want, files(t, s.path("maps", 1))); d != "" {
		t.Errorf("mismatch (-want +got):\n%s", d)
	}
	for p, mode := range map[string]fs.FileMode{
		"": 0o770 | fs.ModeDir | fs.ModeSetgid, "left4dead2": 0o770 | fs.ModeDir | fs.ModeSetgid,
		"left4dead2/empty":     0o770 | fs.ModeDir | fs.ModeSetgid,
		"left4dead2/cfg/a.cfg": 0o770, "left4dead2/addons/b.vpk": 0o660,
	} {
		info, err := os.Lstat(s.path("maps", 1, p))
		must(t, err)
		if info.Mode() != mode {
			t.Errorf("%q: got mode %v, want %v", p, info.Mode(), mode)
		}
	}
	s.checkNoLeftovers()

	// Identical files must not create a revision.
	second := s.stage("maps")
	write(t, second.Dir(), want)
	must(t, os.Chmod(filepath.Join(second.Dir(), "left4dead2/cfg/a.cfg"), 0o700))
	must(t, os.Mkdir(filepath.Join(second.Dir(), "left4dead2/empty"), 0o755))
	if r, changed := s.finish(second); changed || r.Number != 1 {
		t.Errorf("got %+v, changed %t, want unchanged revision 1", r, changed)
	}
	c, err := s.Get(t.Context(), "maps", 0, nil)
	if err != nil || c.Current != 1 || len(c.Revisions) != 1 {
		t.Errorf("got %+v, %v, want only revision 1", c, err)
	}
	s.checkNoLeftovers()
}

func TestGetReturnsDetailsOfRevision(t *testing.T) {
	s := newRepository(t)
	st := s.stage("maps")
	write(t, st.Dir(), map[string]string{"a": "a"})
	m := overlays.Meta{
		Origin: "v1", Warnings: []left4me.Warning{{Kind: left4me.WarnBroken, Text: "x"}},
		Campaigns: []left4me.Campaign{{ID: "c"}}, Items: []left4me.WorkshopState{{ID: "1", State: left4me.ItemFresh}},
	}
	if _, _, err := s.Publish(t.Context(), st, m, nil); err != nil {
		t.Fatal(err)
	}
	c, err := s.Get(t.Context(), "maps", 0, overlays.Used{{Name: "maps", Revision: 1}: {"alpha"}})
	must(t, err)
	r := c.Revisions[0]
	if r.Origin != "v1" || r.Warned != 1 || len(r.Warnings) != 1 || len(r.Campaigns) != 1 || len(r.Items) != 1 ||
		!slices.Equal(r.Servers, []left4me.Name{"alpha"}) {
		t.Errorf("got %+v, want all details and server alpha", r)
	}
	all, err := s.List(t.Context(), nil)
	if err != nil || len(all) != 1 || all[0].Revisions[0].Warnings != nil || all[0].Revisions[0].Warned != 1 {
		t.Errorf("got %+v, %v, want the number of warnings without their texts", all, err)
	}
	if _, err := s.Get(t.Context(), "none", 0, nil); !errors.Is(err, left4me.NotFound) {
		t.Errorf("got %v, want NotFound", err)
	}
	if _, err := s.Get(t.Context(), "maps", 7, nil); !errors.Is(err, left4me.NotFound) {
		t.Errorf("got %v, want NotFound", err)
	}
}

func TestPublishLinksUnchangedFilesOfBaseRevision(t *testing.T) {
	s := newRepository(t)
	s.publish("maps", map[string]string{"d/a": "a", "d/b": "b", "d-e": "e", "gone/x/y": "y", "gone/z": "z", "k": "k"})
	st := s.stage("maps")
	n, m, err := st.From(t.Context(), 0)
	if err != nil || n != 1 || len(m) != 6 {
		t.Fatalf("From: got revision %d, files %v, %v, want revision 1 with 6 files", n, m, err)
	}
	if !st.Remove("gone") || !st.Remove("k") || st.Remove("nothing") || st.Remove("d/") {
		t.Error("Remove returned the wrong result")
	}
	write(t, st.Dir(), map[string]string{"d/b": "B!", "new/c": "c"})
	r, changed := s.finish(st)
	if !changed || r.Number != 2 || r.Added != 1 || r.Changed != 1 || r.Removed != 3 {
		t.Errorf("got %+v, want revision 2 with 1 addition, 1 change and 3 removals", r)
	}
	if d := cmp.Diff(map[string]string{"d/a": "a", "d/b": "B!", "d-e": "e", "new/c": "c"}, files(t, s.path("maps", 2))); d != "" {
		t.Errorf("revision 2: mismatch (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]string{"d/a": "a", "d/b": "b", "d-e": "e", "gone/x/y": "y", "gone/z": "z", "k": "k"},
		files(t, s.path("maps", 1))); d != "" {
		t.Errorf("revision 1: mismatch (-want +got):\n%s", d)
	}
	if s.inode(s.path("maps", 1, "d/a")) != s.inode(s.path("maps", 2, "d/a")) {
		t.Error("an unchanged file was copied")
	}
	page, err := s.Diff(t.Context(), left4me.DiffRequest{Overlay: "maps", From: 1, Limit: 2})
	must(t, err)
	if len(page.Items) != 2 || page.Total != 5 || page.Items[0] != (left4me.FileChange{Path: "d/b", What: "changed", From: 1, To: 2}) {
		t.Errorf("got page %+v, want 2 of 5 changes", page)
	}
	page, err = s.Diff(t.Context(), left4me.DiffRequest{Overlay: "maps", From: 1, After: page.Next, Limit: 1000})
	must(t, err)
	if len(page.Items) != 3 || page.Next != "" || page.Items[2].Path != "new/c" {
		t.Errorf("got page %+v, want the last 3 changes", page)
	}
	// Base a revision on an older one.
	st = s.stage("maps")
	if n, _, err := st.From(t.Context(), 1); err != nil || n != 1 {
		t.Fatal(err)
	}
	if r, changed := s.finish(st); !changed || r.Number != 3 || r.Added != 3 || r.Removed != 1 {
		t.Errorf("got %+v, want revision 3 with 3 additions and 1 removal", r)
	}
	if d := cmp.Diff(files(t, s.path("maps", 1)), files(t, s.path("maps", 3))); d != "" {
		t.Errorf("revisions 1 and 3 differ:\n%s", d)
	}
}

func TestEqualFilesShareInode(t *testing.T) {
	s := newRepository(t)
	must(t, os.MkdirAll(filepath.Join(s.root, "workshop_cache/1"), 0o755))
	cached := filepath.Join(s.root, "workshop_cache/1/9.vpk")
	must(t, os.WriteFile(cached, []byte("vpk"), 0o644))
	st := s.stage("shop")
	must(t, st.Link(t.Context(), "left4dead2/addons/1.vpk", cached))
	s.finish(st)
	s.publish("maps", map[string]string{"a/1.vpk": "vpk", "a/2.vpk": "vpk", "b": "other"})
	one := s.inode(cached)
	for _, p := range []string{s.path("shop", 1, "left4dead2/addons/1.vpk"), s.path("maps", 1, "a/1.vpk"), s.path("maps", 1, "a/2.vpk")} {
		if s.inode(p) != one {
			t.Errorf("%s has another inode", p)
		}
	}
	if s.inode(s.path("maps", 1, "b")) == one {
		t.Error("different files share an inode")
	}
	// An executable file with the same content needs an inode of its own.
	st = s.stage("bin")
	write(t, st.Dir(), map[string]string{"x": "vpk"})
	must(t, os.Chmod(filepath.Join(st.Dir(), "x"), 0o755))
	s.finish(st)
	if s.inode(s.path("bin", 1, "x")) == one {
		t.Error("executable and non-executable file share an inode")
	}
}

func TestPublishRejectsForbiddenEntriesByName(t *testing.T) {
	long := strings.Repeat("x", 255)
	for _, bad := range []struct {
		what, path string
		make       func(dir string) error
	}{
		{"symbolic link", "left4dead2/l", func(d string) error { return os.Symlink("/etc/passwd", d+"/left4dead2/l") }},
		{"symbolic link to a directory", "left4dead2/l", func(d string) error { return os.Symlink("/etc", d+"/left4dead2/l") }},
		{"pipe", "left4dead2/p", func(d string) error { return unix.Mkfifo(d+"/left4dead2/p", 0o600) }},
		{"whiteout", "left4dead2/w", func(d string) error { return unix.Mknod(d+"/left4dead2/w", unix.S_IFCHR, 0) }},
		{"setuid", "left4dead2/s", func(d string) error {
			return errors.Join(os.WriteFile(d+"/left4dead2/s", nil, 0o700), os.Chmod(d+"/left4dead2/s", 0o700|fs.ModeSetuid))
		}},
		{"line break in name", "left4dead2/a\nb", func(d string) error { return os.WriteFile(d+"/left4dead2/a\nb", nil, 0o600) }},
		{"name not UTF-8", "left4dead2/\xff", func(d string) error { return os.WriteFile(d+"/left4dead2/\xff", nil, 0o600) }},
		{"names differ by case", "left4dead2/A", func(d string) error {
			return errors.Join(os.WriteFile(d+"/left4dead2/A", nil, 0o600), os.WriteFile(d+"/left4dead2/a", nil, 0o600))
		}},
		{"directory names differ by case", "left4dead2/CFG", func(d string) error {
			return errors.Join(os.MkdirAll(d+"/left4dead2/CFG/x", 0o700), os.MkdirAll(d+"/left4dead2/cfg/y", 0o700))
		}},
		{"names differ by normalisation", "left4dead2/e\u0301", func(d string) error {
			return errors.Join(os.WriteFile(d+"/left4dead2/é", nil, 0o600), os.WriteFile(d+"/left4dead2/e\u0301", nil, 0o600))
		}},
		{"path too deep", "", func(d string) error { return os.MkdirAll(d+strings.Repeat("/d", 70), 0o700) }},
		{"path too long", "", func(d string) error {
			return os.MkdirAll(filepath.Join(d, long, long, long, long, long), 0o700)
		}},
	} {
		t.Run(bad.what, func(t *testing.T) {
			s := newRepository(t)
			s.publish("maps", map[string]string{"left4dead2/ok": "1"})
			st := s.stage("maps")
			write(t, st.Dir(), map[string]string{"left4dead2/ok": "2"})
			must(t, bad.make(st.Dir()))
			_, _, err := s.Publish(t.Context(), st, overlays.Meta{}, nil)
			if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Invalid ||
				bad.path != "" && !strings.Contains(e.Text, strconv.Quote(bad.path)) &&
					!strings.Contains(strings.ToLower(e.Text), strings.ToLower(strconv.Quote(bad.path))) {
				t.Errorf("got error %v, want it to name %q", err, bad.path)
			}
			must(t, st.Close())
			s.checkNoLeftovers()
			if c, err := s.Get(t.Context(), "maps", 0, nil); err != nil || c.Current != 1 || len(c.Revisions) != 1 {
				t.Errorf("got %+v, %v, want only revision 1", c, err)
			}
		})
	}
}

// The base revision has a directory where the edit has a file, and names that differ by case.
func TestPublishRejectsConflictsWithBaseRevision(t *testing.T) {
	s := newRepository(t)
	s.publish("maps", map[string]string{"left4dead2/cfg/a": "a"})
	for _, p := range []string{"left4dead2/cfg", "left4dead2/CFG/b", "left4dead2/cfg/A", "left4dead2/cfg/a/b"} {
		st := s.stage("maps")
		if _, _, err := st.From(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		write(t, st.Dir(), map[string]string{p: "x"})
		if _, _, err := s.Publish(t.Context(), st, overlays.Meta{}, nil); !errors.Is(err, left4me.Invalid) {
			t.Errorf("%s: got %v, want Invalid", p, err)
		}
		must(t, st.Close())
	}
	st := s.stage("maps")
	if _, _, err := st.From(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	st.Remove("left4dead2/cfg")
	write(t, st.Dir(), map[string]string{"left4dead2/CFG": "x"})
	if r, _ := s.finish(st); r.Number != 2 {
		t.Errorf("got %+v, want revision 2", r)
	}
}

// A process that wrote a staged file may still have it open. Its later writes must not reach the
// revision.
func TestOpenWriterCannotChangeRevision(t *testing.T) {
	s := newRepository(t)
	st := s.stage("maps")
	write(t, st.Dir(), map[string]string{"open": "good", "mapped": "good", "shut": "shut"})
	f, err := os.OpenFile(filepath.Join(st.Dir(), "open"), os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	g, err := os.OpenFile(filepath.Join(st.Dir(), "mapped"), os.O_RDWR, 0)
	must(t, err)
	mem, err := syscall.Mmap(int(g.Fd()), 0, 4, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	must(t, err)
	must(t, g.Close())
	shut := s.inode(filepath.Join(st.Dir(), "shut"))
	s.finish(st)
	_, err = f.WriteAt([]byte("evil"), 0)
	must(t, err)
	copy(mem, "evil")
	must(t, syscall.Munmap(mem))
	if d := cmp.Diff(map[string]string{"open": "good", "mapped": "good", "shut": "shut"}, files(t, s.path("maps", 1))); d != "" {
		t.Errorf("mismatch (-want +got):\n%s", d)
	}
	if s.inode(s.path("maps", 1, "shut")) != shut {
		t.Error("a file that was not open was copied")
	}
}

// Extended attributes that overlayfs interprets must not get into a revision.
func TestOverlayfsAttributesAreDropped(t *testing.T) {
	s := newRepository(t)
	st := s.stage("maps")
	write(t, st.Dir(), map[string]string{"d/x": ""})
	if err := unix.Setxattr(filepath.Join(st.Dir(), "d/x"), "user.overlay.whiteout", []byte("y"), 0); err != nil {
		t.Skip(err)
	}
	must(t, unix.Setxattr(filepath.Join(st.Dir(), "d"), "user.overlay.opaque", []byte("x"), 0))
	s.finish(st)
	for _, p := range []string{"d", "d/x"} {
		if n, err := unix.Listxattr(s.path("maps", 1, p), nil); n != 0 || err != nil {
			t.Errorf("%s has %d bytes of attributes, %v", p, n, err)
		}
	}
}

// A tree is modified during its import. The revision must match its manifest and contain
// no link and no file from outside.
func TestModifiedTreeAddsNoForeignFiles(t *testing.T) {
	s := newRepository(t)
	secret := filepath.Join(t.TempDir(), "secret")
	must(t, os.MkdirAll(secret, 0o700))
	must(t, os.WriteFile(filepath.Join(secret, "key"), []byte("secret"), 0o600))
	published := 0
	for round := range 6 {
		st := s.stage("maps")
		for i := range 40 {
			write(t, st.Dir(), map[string]string{fmt.Sprintf("d%d/key", i): fmt.Sprint(round)})
		}
		must(t, os.Symlink(secret, filepath.Join(st.Scratch(), "l")))
		must(t, os.Symlink(filepath.Join(secret, "key"), filepath.Join(st.Scratch(), "f")))
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := 0; ; i = (i + 1) % 40 {
				select {
				case <-stop:
					return
				default:
				}
				d := filepath.Join(st.Dir(), fmt.Sprintf("d%d", i))
				_ = unix.Renameat2(unix.AT_FDCWD, filepath.Join(st.Scratch(), "l"), unix.AT_FDCWD, d, unix.RENAME_EXCHANGE)
				_ = unix.Renameat2(unix.AT_FDCWD, filepath.Join(st.Scratch(), "l"), unix.AT_FDCWD, d, unix.RENAME_EXCHANGE)
				_ = unix.Renameat2(unix.AT_FDCWD, filepath.Join(st.Scratch(), "f"), unix.AT_FDCWD, d+"/key", unix.RENAME_EXCHANGE)
				_ = unix.Renameat2(unix.AT_FDCWD, filepath.Join(st.Scratch(), "f"), unix.AT_FDCWD, d+"/key", unix.RENAME_EXCHANGE)
			}
		})
		r, _, err := s.Publish(t.Context(), st, overlays.Meta{}, nil)
		close(stop)
		wg.Wait()
		must(t, st.Close())
		if err != nil {
			continue // rejected because of a link
		}
		published++
		for p, text := range files(t, s.path("maps", r.Number)) {
			if text == "secret" {
				t.Fatalf("%s is from outside of the staging", p)
			}
		}
		must(t, filepath.WalkDir(s.path("maps", r.Number), func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Type()&^fs.ModeDir != 0 {
				t.Errorf("%s is a %v", name, d.Type())
			}
			return err
		}))
	}
	t.Logf("%d of 6 attempts were published", published)
}

func TestUseLabelAndDropRevisions(t *testing.T) {
	s := newRepository(t)
	for i := range 3 {
		s.publish("maps", map[string]string{"a": fmt.Sprint(i), "same": "same"})
	}
	must(t, s.Use("maps", 1))
	dir := filepath.Join(s.root, "overlays/maps")
	if n, err := overlays.Current(dir); n != 1 || err != nil {
		t.Errorf("got current revision %d, %v, want 1", n, err)
	}
	must(t, s.Label("maps", 2, " the good one "))
	if err := s.Label("maps", 2, "a\nb"); !errors.Is(err, left4me.Invalid) {
		t.Errorf("got %v, want Invalid", err)
	}
	if err := s.Use("maps", 9); !errors.Is(err, left4me.NotFound) {
		t.Errorf("got %v, want NotFound", err)
	}
	if err := s.Drop("maps", 1, nil); !errors.Is(err, left4me.Busy) {
		t.Error("drop the current revision: got", err, "want Busy")
	}
	if err := s.Drop("maps", 3, overlays.Used{{Name: "maps", Revision: 3}: {"alpha"}}); !errors.Is(err, left4me.Busy) ||
		!strings.Contains(err.Error(), "alpha") {
		t.Error("drop a mounted revision: got", err, "want Busy naming alpha")
	}
	must(t, s.Drop("maps", 3, nil))
	if _, err := os.Lstat(s.path("maps", 3)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	must(t, s.Sweep(t.Context()))
	s.checkNoLeftovers()
	c, err := s.Get(t.Context(), "maps", 0, nil)
	if err != nil || c.Current != 1 || len(c.Revisions) != 2 || c.Revisions[0].Label != "the good one" {
		t.Errorf("got %+v, %v, want current revision 1 and 2 revisions", c, err)
	}
	// The number of the dropped revision must not be reused, and deltas to its manifest must stay
	// readable.
	if r, _ := s.publish("maps", map[string]string{"a": "x"}); r.Number != 4 || r.Changed != 1 || r.Removed != 1 {
		t.Errorf("got %+v, want revision 4 with 1 change and 1 removal", r)
	}
	must(t, s.Drop("maps", 1, nil))
	if _, m, err := s.Manifest(t.Context(), "maps", 2); err != nil || len(m) != 2 {
		t.Errorf("got manifest %v, %v, want 2 entries", m, err)
	}
}

func TestDirectoryInstalledByHandIsRevision(t *testing.T) {
	s := newRepository(t)
	write(t, s.path("maps", 2), map[string]string{"left4dead2/a": "a", "left4dead2/b": "b"})
	write(t, s.path("maps", 10), map[string]string{"left4dead2/a": "A", "left4dead2/b": "b"})
	must(t, os.Chmod(s.path("maps", 10, "left4dead2/b"), 0o666))
	c, err := s.Get(t.Context(), "maps", 0, nil)
	if err != nil || c.Current != 10 || len(c.Revisions) != 2 || c.Revisions[0].Files != 2 || c.Revisions[1].Bytes != 2 || c.Own == 0 {
		t.Errorf("got %+v, %v, want current revision 10 and 2 revisions", c, err)
	}
	page, err := s.Tree(t.Context(), left4me.TreeRequest{Overlay: "maps", Filter: left4me.Filter{Deep: true}})
	if err != nil || len(page.Items) != 2 || page.Items[0].Path != "left4dead2/a" {
		t.Errorf("got page %+v, %v, want 2 files", page, err)
	}
	if entries, _ := os.ReadDir(filepath.Join(s.root, "overlays/maps")); len(entries) != 2 {
		t.Error("Get or Tree wrote a file")
	}
	d, err := s.Diff(t.Context(), left4me.DiffRequest{Overlay: "maps", From: 2})
	if err != nil || len(d.Items) != 1 || d.Items[0].Path != "left4dead2/a" {
		t.Errorf("got diff %+v, %v, want left4dead2/a", d, err)
	}
	st := s.stage("maps")
	_, _, err = st.From(t.Context(), 0)
	must(t, err)
	write(t, st.Dir(), map[string]string{"left4dead2/c": "c"})
	if r, _ := s.finish(st); r.Number != 11 || r.Added != 1 || r.Changed != 0 {
		t.Errorf("got %+v, want revision 11 with 1 addition", r)
	}
	for _, p := range []string{"a", "b", "c"} {
		if st, err := os.Lstat(s.path("maps", 11, "left4dead2", p)); err != nil || st.Mode() != 0o660 {
			t.Errorf("%s: got mode %v, want 0660 (%v)", p, st.Mode(), err)
		}
	}
	// A dropped revision must not reappear.
	must(t, s.Drop("maps", 2, nil))
	must(t, s.Sweep(t.Context()))
	if c, err := s.Get(t.Context(), "maps", 0, nil); err != nil || c.Current != 11 || len(c.Revisions) != 2 {
		t.Errorf("got %+v, %v, want current revision 11 and 2 revisions", c, err)
	}
	// A link stays in the revision but is rejected when a new revision is based on it.
	must(t, os.Symlink("/etc", s.path("maps", 10, "left4dead2/link")))
	must(t, os.Remove(filepath.Join(s.root, "overlays/maps/10.files")))
	st = s.stage("maps")
	_, _, err = st.From(t.Context(), 10)
	must(t, err)
	if _, _, err := s.Publish(t.Context(), st, overlays.Meta{}, nil); !errors.Is(err, left4me.Invalid) ||
		!strings.Contains(err.Error(), "left4dead2/link") {
		t.Error(err)
	}
	if _, err := s.File(left4me.FileRequest{Overlay: "maps", Revision: 10, Path: "left4dead2/link/passwd"}); !errors.Is(err,
		left4me.NotFound) {
		t.Errorf("got %v, want NotFound", err)
	}
}

func TestDamagedRecordIsRebuilt(t *testing.T) {
	s := newRepository(t)
	s.publish("maps", map[string]string{"a": "1"})
	s.publish("maps", map[string]string{"a": "2"})
	for _, text := range []string{"", "{", `{"v":9}`, `{"v":1,"revisions":[{"number":0}]}`} {
		must(t, os.WriteFile(filepath.Join(s.root, "overlays/maps/overlay.json"), []byte(text), 0o644))
		c, err := s.Get(t.Context(), "maps", 0, nil)
		if err != nil || c.Current != 2 || len(c.Revisions) != 2 || c.Revisions[0].By != "al" {
			t.Errorf("overlay.json %q: got %+v, %v, want current revision 2 and 2 revisions", text, c, err)
		}
	}
	if r, _ := s.publish("maps", map[string]string{"a": "3"}); r.Number != 3 || r.Changed != 1 {
		t.Errorf("got %+v, want revision 3 with 1 change", r)
	}
	must(t, os.WriteFile(filepath.Join(s.root, "overlays/maps/1.files"), []byte("x"), 0o644))
	if _, m, err := s.Manifest(t.Context(), "maps", 3); err != nil || len(m) != 1 {
		t.Errorf("got manifest %+v, %v, want 1 entry", m, err)
	}
}

func TestTreeReturnsPages(t *testing.T) {
	s := newRepository(t)
	s.publish("maps", map[string]string{"d/a": "12", "d/s/b": "345", "d-e": "1", "e/Ünder.cfg": "", "z": ""})
	ask := func(f left4me.Filter) string {
		t.Helper()
		page, err := s.Tree(t.Context(), left4me.TreeRequest{Overlay: "maps", Filter: f})
		must(t, err)
		var out []string
		for _, f := range page.Items {
			kind := ""
			if f.Dir {
				kind = "/"
			} else if len(f.Hash) != 64 {
				t.Errorf("got %+v, want a hash of 64 digits", f)
			}
			out = append(out, fmt.Sprintf("%s%s %d", f.Path, kind, f.Size))
		}
		return fmt.Sprintf("%s; %s; %d", strings.Join(out, ", "), page.Next, page.Total)
	}
	for _, want := range []struct {
		f    left4me.Filter
		text string
	}{
		{left4me.Filter{}, "d/ 5, d-e 1, e/ 0, z 0; ; 4"},
		{left4me.Filter{Limit: 2}, "d/ 5, d-e 1; d-e; 4"},
		{left4me.Filter{Limit: 2, After: "d-e"}, "e/ 0, z 0; ; 4"},
		{left4me.Filter{Dir: "d"}, "d/a 2, d/s/ 3; ; 2"},
		{left4me.Filter{Dir: "d/"}, "d/a 2, d/s/ 3; ; 2"},
		{left4me.Filter{Dir: "d", Deep: true}, "d/a 2, d/s/b 3; ; 2"},
		{left4me.Filter{Query: "üNDER"}, "e/Ünder.cfg 0; ; 1"},
		{left4me.Filter{Dir: "nothing"}, "; ; 0"},
	} {
		if got := ask(want.f); got != want.text {
			t.Errorf("%+v: got %s, want %s", want.f, got, want.text)
		}
	}
	for _, bad := range []left4me.Filter{{Limit: 1001}, {Limit: -1}, {Dir: "../x"}} {
		if _, err := s.Tree(t.Context(), left4me.TreeRequest{Overlay: "maps", Filter: bad}); !errors.Is(err, left4me.Invalid) {
			t.Errorf("%+v: got %v, want Invalid", bad, err)
		}
	}
}

func TestFileReturnsContent(t *testing.T) {
	s := newRepository(t)
	s.publish("maps", map[string]string{"d/a": "12", "big": strings.Repeat("x", left4me.MaxFile+1)})
	a, err := s.File(left4me.FileRequest{Overlay: "maps", Path: "d/a"})
	if err != nil || string(a.Data) != "12" || a.Size != 2 || len(a.Hash) != 64 || a.Revision != 1 || a.Disk != "overlays/maps/1/d/a" {
		t.Errorf("got %+v, %v, want file d/a of revision 1", a, err)
	}
	if a, err := s.File(left4me.FileRequest{Overlay: "maps", Path: "big"}); err != nil || a.Data != nil || a.Size != left4me.MaxFile+1 {
		t.Errorf("got %d bytes of a large file, %v, want only its size", len(a.Data), err)
	}
	for p, kind := range map[string]left4me.Kind{
		"d":        left4me.NotFound,
		"x":        left4me.NotFound,
		"d/a/b":    left4me.NotFound,
		"../1/d/a": left4me.Invalid,
		"":         left4me.Invalid,
	} {
		if _, err := s.File(left4me.FileRequest{Overlay: "maps", Path: p}); !errors.Is(err, kind) {
			t.Errorf("%q: got %v, want %v", p, err, kind)
		}
	}
}

func TestTreeListsVPKContent(t *testing.T) {
	s := newRepository(t)
	addon, err := os.ReadFile("../../../../source/vpk/testdata/automatic_guns.vpk")
	must(t, err)
	archive, err := vpk.New(bytes.NewReader(addon), int64(len(addon)), "x")
	must(t, err)
	s.publish("maps", map[string]string{"left4dead2/addons/a.vpk": string(addon), "left4dead2/addons/broken.vpk": "no", "dir.vpk/x": "1"})
	all, err := s.Tree(t.Context(),
		left4me.TreeRequest{Overlay: "maps", Filter: left4me.Filter{Dir: "left4dead2/addons/a.vpk", Deep: true, Limit: 1000}})
	if err != nil || all.Total != len(archive.Entries()) {
		t.Fatalf("got %+v, %v, want %d files", all, err, len(archive.Entries()))
	}
	for _, f := range all.Items {
		inside := strings.TrimPrefix(f.Path, "left4dead2/addons/a.vpk/")
		a, err := s.File(left4me.FileRequest{Overlay: "maps", Path: "left4dead2/addons/a.vpk", Inside: inside})
		if err != nil || a.Size != f.Size || int64(len(a.Data)) != f.Size {
			t.Errorf("file %+v in the VPK: got %d bytes, %v", f, len(a.Data), err)
		}
	}
	// Directories in the VPK are derived from its files.
	top, err := s.Tree(t.Context(), left4me.TreeRequest{Overlay: "maps", Filter: left4me.Filter{Dir: "left4dead2/addons/a.vpk"}})
	if err != nil ||
		!slices.ContainsFunc(top.Items, func(f left4me.TreeFile) bool { return f.Dir && f.Path == "left4dead2/addons/a.vpk/scripts" }) {
		t.Errorf("got %+v, %v, want directory scripts", top, err)
	}
	if p, err := s.Tree(t.Context(), left4me.TreeRequest{Overlay: "maps", Filter: left4me.Filter{Dir: "dir.vpk"}}); err != nil ||
		p.Total != 1 {
		t.Errorf("directory named dir.vpk: got %+v, %v, want 1 file", p, err)
	}
	if _, err := s.Tree(t.Context(),
		left4me.TreeRequest{Overlay: "maps", Filter: left4me.Filter{Dir: "left4dead2/addons/broken.vpk"}}); !errors.Is(err,
		left4me.Invalid) {
		t.Errorf("got %v, want Invalid", err)
	}
}

func TestDeleteAndRestoreOverlay(t *testing.T) {
	s := newRepository(t)
	s.publish("maps", map[string]string{"a": "1"})
	s.publish("maps", map[string]string{"a": "2"})
	if _, err := s.Delete("maps", overlays.Used{{Name: "maps", Revision: 1}: {"alpha"}}); !errors.Is(err, left4me.Busy) {
		t.Errorf("got %v, want Busy", err)
	}
	until, err := s.Delete("maps", nil)
	if err != nil || until.Before(time.Now().Add(6*24*time.Hour)) {
		t.Errorf("got %v, %v, want a time more than 6 days ahead", until, err)
	}
	if again, err := s.Delete("maps", nil); err != nil || !again.IsZero() {
		t.Errorf("second Delete: got %v, %v, want no error and a zero time", again, err)
	}
	all, err := s.List(t.Context(), nil)
	if err != nil || len(all) != 1 || all[0].GoneAt != until || all[0].Current != 2 || len(all[0].Revisions) != 2 {
		t.Errorf("got %+v, %v, want the deleted overlay with 2 revisions", all, err)
	}
	if n, err := s.Restore("maps"); err != nil || n != 2 {
		t.Errorf("got revision %d, %v, want 2", n, err)
	}
	if n, err := s.Restore("maps"); err != nil || n != 2 {
		t.Errorf("second Restore: got %d, %v, want 2", n, err)
	}
	if d := cmp.Diff(map[string]string{"a": "1"}, files(t, s.path("maps", 1))); d != "" {
		t.Errorf("mismatch (-want +got):\n%s", d)
	}
	// A new overlay of the same name continues the numbering and prevents the restore.
	_, err = s.Delete("maps", nil)
	must(t, err)
	if r, _ := s.publish("maps", map[string]string{"b": "1"}); r.Number != 3 {
		t.Errorf("got %+v, want revision 3", r)
	}
	if _, err := s.Restore("maps"); !errors.Is(err, left4me.Conflict) {
		t.Errorf("got %v, want Conflict", err)
	}
	// An overlay that never had a revision has no files to set aside.
	if n, err := s.Restore("other"); err != nil || n != 0 {
		t.Errorf("got revision %d, %v, want 0", n, err)
	}
}

func TestListReportsOwnAndSharedBytes(t *testing.T) {
	s := newRepository(t)
	block := func(c string) string { return strings.Repeat(c, 8192) }
	s.publish("a", map[string]string{"all": block("s"), "x": block("1")})
	s.publish("a", map[string]string{"all": block("s"), "x": block("2"), "y": block("3")})
	s.publish("b", map[string]string{"all": block("s")})
	all, err := s.List(t.Context(), nil)
	must(t, err)
	a, b := all[0], all[1]
	if a.Own != 3*8192 || a.Shared != 8192 || b.Own != 0 || b.Shared != 8192 {
		t.Errorf("got a: own %d, shared %d; b: own %d, shared %d", a.Own, a.Shared, b.Own, b.Shared)
	}
	if a.Revisions[0].Own != 2*8192 || a.Revisions[1].Own != 8192 {
		t.Errorf("got revisions %+v, want own %d and %d", a.Revisions, 2*8192, 8192)
	}
	_, err = s.Delete("b", nil)
	must(t, err)
	if all, err = s.List(t.Context(), nil); err != nil || all[0].Own != 3*8192 {
		t.Errorf("got own %d, want content of the deleted overlay to count as shared (%v)", all[0].Own, err)
	}
}

// unpinned drops every revision, as if none were about to be mounted.
func unpinned(_ left4me.OverlayRef, drop func() error) error { return drop() }

func TestCollectRemovesUnneededContent(t *testing.T) {
	s := newRepository(t)
	for i := range 6 {
		s.publish("maps", map[string]string{"a": fmt.Sprint(i)})
	}
	must(t, os.MkdirAll(filepath.Join(s.root, "workshop_cache/1"), 0o755))
	write(t, s.root, map[string]string{"workshop_cache/1/new.vpk": "x", "tmp/overlay-old/new/x": "", "tmp/other/x": ""})
	must(t, s.Label("maps", 1, "keep"))
	up := overlays.Used{{Name: "maps", Revision: 3}: {"alpha"}}
	// Young revisions stay.
	c, err := s.Collect(t.Context(), left4me.CollectSpec{Age: 30, Newest: 1}, up, unpinned)
	if err != nil || len(c.Revisions) != 0 {
		t.Errorf("got %+v, %v, want no removed revision", c, err)
	}
	c, err = s.Collect(t.Context(), left4me.CollectSpec{Newest: 1, Keep: []left4me.OverlayRef{{Name: "maps", Revision: 2}, {Name: "maps"}}},
		up, unpinned)
	if want := []left4me.OverlayRef{{Name: "maps", Revision: 4}, {Name: "maps", Revision: 5}}; err != nil ||
		!slices.Equal(c.Revisions, want) {
		t.Errorf("got %+v, %v, want %v removed", c, err, want)
	}
	if c.Files != 2 {
		t.Errorf("removed %d files, want 2", c.Files)
	}
	// Revisions that are about to be mounted stay.
	pinned := func(r left4me.OverlayRef, drop func() error) error {
		return &left4me.Error{Kind: left4me.Busy, Text: fmt.Sprintf("%s is about to be mounted", r.String())}
	}
	if c, err = s.Collect(t.Context(), left4me.CollectSpec{}, nil, pinned); err != nil || len(c.Revisions) != 0 {
		t.Errorf("got %+v, %v, want no removed revision", c, err)
	}
	// On a full disk, young revisions are removed, too.
	c, err = s.Collect(t.Context(), left4me.CollectSpec{Age: 30, MaxFree: 1 << 62}, nil, unpinned)
	if want := []left4me.OverlayRef{{Name: "maps", Revision: 2}, {Name: "maps", Revision: 3}}; err != nil ||
		!slices.Equal(c.Revisions, want) {
		t.Errorf("got %+v, %v, want %v removed", c, err, want)
	}
	if _, err := os.Lstat(filepath.Join(s.root, "workshop_cache/1/new.vpk")); err != nil {
		t.Error("a new download was removed:", err)
	}
	if _, err := os.Lstat(filepath.Join(s.root, "tmp/overlay-old")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("tmp/overlay-old remains", err)
	}
	if _, err := os.Lstat(filepath.Join(s.root, "tmp/other/x")); err != nil {
		t.Error("a file that is not ours was removed:", err)
	}
	if d := cmp.Diff(map[string]string{"a": "0"}, files(t, s.path("maps", 1))); d != "" {
		t.Errorf("mismatch (-want +got):\n%s", d)
	}
	// A running build keeps its files.
	st := s.stage("maps")
	write(t, st.Dir(), map[string]string{"a": "under way"})
	_, err = st.Seal(t.Context(), nil)
	must(t, err)
	_, err = s.Collect(t.Context(), left4me.CollectSpec{Age: 30}, nil, unpinned)
	must(t, err)
	if r, _ := s.finish(st); r.Number != 7 {
		t.Errorf("got %+v, want revision 7", r)
	}
}

// An inode has a maximum number of links, 65,000 on ext4. Further files need a second inode.
func TestInodeAtLinkLimitIsCopied(t *testing.T) {
	s := newRepository(t)
	s.publish("maps", map[string]string{"left4dead2/a": "a", "left4dead2/b": "b"})
	file, dir := s.path("maps", 1, "left4dead2/a"), t.TempDir()
	for i := 0; ; i++ {
		err := os.Link(file, filepath.Join(dir, strconv.Itoa(i)))
		if errors.Is(err, unix.EMLINK) {
			break
		}
		must(t, err)
		if i == 70_000 {
			t.Skip("this file system has no limit below 70,000 links")
		}
	}
	s.publish("other", map[string]string{"left4dead2/x": "a"})
	st := s.stage("maps")
	_, _, err := st.From(t.Context(), 0)
	must(t, err)
	write(t, st.Dir(), map[string]string{"left4dead2/c": "c"})
	s.finish(st)
	if d := cmp.Diff(map[string]string{"left4dead2/a": "a", "left4dead2/b": "b", "left4dead2/c": "c"},
		files(t, s.path("maps", 2))); d != "" {
		t.Errorf("mismatch (-want +got):\n%s", d)
	}
	s.publish("third", map[string]string{"left4dead2/x": "a"})
	if one := s.inode(s.path("other", 1, "left4dead2/x")); one == s.inode(file) || one != s.inode(s.path("third", 1, "left4dead2/x")) {
		t.Error("later files don't share the second inode")
	}
	s.checkNoLeftovers()
}
