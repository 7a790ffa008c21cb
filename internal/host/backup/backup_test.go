package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// write writes a file and creates its parent directories.
func write(tb testing.TB, name, text string) {
	tb.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o640)); err != nil {
		tb.Fatal(err)
	}
}

// source returns a root that contains every kind of file.
func source(tb testing.TB) Source {
	tb.Helper()
	root := tb.TempDir()
	at := func(p string) string { return filepath.Join(root, p) }
	write(tb, at("snapshot.db"), "the database")
	write(tb, at("settings/left4me.env"), "LEFT4ME_SECRET_KEY=x\n")
	write(tb, at("settings/notes.txt"), "not ours")
	write(tb, at("workshop_cache/7/1.vpk"), "from the workshop")
	write(tb, at("installation/base/srcds_run"), "the game")
	write(tb, at("overlays/maps/1/left4dead2/old.cfg"), "old")
	write(tb, at("overlays/maps/2/left4dead2/new.cfg"), "new")
	write(tb, at("overlays/maps/10/left4dead2/addons/a.vpk"), "newest")
	write(tb, at("instances/alpha/instance.env"), "L4D2_PORT=27015\nL4D2_LOWERDIRS=overlays/maps/1:installation/base\n")
	write(tb, at("instances/alpha/rcon"), "secret\n")
	write(tb, at("instances/left4me-install/rcon"), "no server\n")
	write(tb, at("runtime/alpha/upper/left4dead2/banned_user.cfg"), "banid 0 STEAM_1:0:1\n")
	write(tb, at("runtime/alpha/upper/left4dead2/logs/odd \xff name"), "not text")
	write(tb, at("runtime/alpha/work/x"), "none of ours")
	write(tb, at("runtime/left4me-install/upper/x"), "half a game")
	for _, err := range []error{
		os.Link(at("workshop_cache/7/1.vpk"), at("overlays/maps/10/left4dead2/addons/7.vpk")),
		os.Link(at("overlays/maps/1/left4dead2/old.cfg"), at("overlays/maps/10/left4dead2/old.cfg")),
		os.Link(at("runtime/alpha/upper/left4dead2/banned_user.cfg"), at("runtime/alpha/upper/left4dead2/bans")),
		os.Symlink("banned_user.cfg", at("runtime/alpha/upper/left4dead2/link")),
		os.Symlink("../../../../left4me.db", at("runtime/alpha/upper/left4dead2/out")),
		unix.Mkfifo(at("runtime/alpha/upper/pipe"), 0o600),
		unix.Setxattr(at("runtime/alpha/upper/left4dead2"), "user.overlay.opaque", []byte("y"), 0),
		unix.Setxattr(at("runtime/alpha/upper/left4dead2"), "user.overlay.origin", []byte("another disk"), 0),
		unix.Mknod(at("runtime/alpha/upper/left4dead2/removed.cfg"), unix.S_IFCHR, 0),
		os.WriteFile(at("runtime/alpha/upper/sparse"), nil, 0o604),
		os.Truncate(at("runtime/alpha/upper/sparse"), 64<<20),
		os.Chmod(at("runtime/alpha/upper"), fs.ModeSetgid|0o770),
		os.Chmod(at("overlays/maps/10/left4dead2"), 0o555),
		os.Chtimes(at("instances/alpha/rcon"), noon, noon),
	} {
		if err != nil {
			tb.Fatal(err)
		}
	}
	tb.Cleanup(func() { _ = os.Chmod(at("overlays/maps/10/left4dead2"), 0o755) })
	return Source{
		Root: root, Settings: at("settings"), Database: at("snapshot.db"),
		Head: Head{Format: Format, Version: "1.2.3", Schema: 4, Host: left4me.LocalHost, CreatedAt: noon},
	}
}

func packed(tb testing.TB, s Source) ([]byte, Manifest) {
	tb.Helper()
	var b bytes.Buffer
	m, err := Pack(tb.Context(), s, &b)
	if err != nil {
		tb.Fatal(err)
	}
	return b.Bytes(), m
}

// describeTree describes everything relevant under a directory, one line per entry.
func describeTree(tb testing.TB, root string, without ...string) []string {
	tb.Helper()
	var lines []string
	first := map[uint64]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		if slices.ContainsFunc(without, func(w string) bool { return strings.HasPrefix(rel, w) }) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if parts := strings.Split(rel, "/"); !slices.Contains([]string{"overlays", "runtime", "instances"}, parts[0]) || len(parts) < 3 {
			return nil
		}
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return err
		}
		line := fmt.Sprintf("%q %o", rel, st.Mode)
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %d %q", st.Size, bytes.TrimRight(b, "\x00"))
			if st.Nlink > 1 {
				if first[st.Ino] == "" {
					first[st.Ino] = rel
				}
				line += " = " + first[st.Ino]
			}
		case unix.S_IFLNK:
			to, _ := os.Readlink(p)
			line += " -> " + to
		case unix.S_IFDIR:
			buf := make([]byte, 64)
			if n, err := unix.Getxattr(p, "user.overlay.opaque", buf); err == nil {
				line += " opaque " + string(buf[:n])
			}
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return lines
}

func TestRestoreReproducesSource(t *testing.T) {
	s := source(t)
	archive, m := packed(t, s)
	if len(m.Warnings) != 2 { // a symbolic link to outside, and a pipe
		t.Errorf("warnings: %q", m.Warnings)
	}
	r, err := Verify(t.Context(), bytes.NewReader(archive), nil)
	if err != nil || len(r.Damage) > 0 || r.Bytes != int64(len(archive)) {
		t.Fatalf("got %+v, %v", r.Damage, err)
	}
	root := t.TempDir()
	write(t, filepath.Join(root, "workshop_cache/7/1.vpk"), "from the workshop") // downloaded again
	etc := t.TempDir()
	done, err := Restore(t.Context(), bytes.NewReader(archive), Target{Root: root, Settings: etc, Schema: 4, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, "overlays/maps/10/left4dead2"), 0o755) })
	skip := []string{
		"runtime/alpha/work", "runtime/left4me-install", "instances/left4me-install", "instances/alpha/instance.env", "overlays/maps/2",
		"runtime/alpha/upper/pipe", "runtime/alpha/upper/left4dead2/out",
	}
	want, got := describeTree(t, s.Root, skip...), describeTree(t, root, "runtime/alpha/work")
	if strings.Join(want, "\n") != strings.Join(got, "\n") {
		t.Errorf("packed:\n%s\nrestored:\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
	for file, text := range map[string]string{databaseName: "the database"} {
		if b, err := os.ReadFile(filepath.Join(root, file)); err != nil || string(b) != text {
			t.Errorf("%s: got %q, %v", file, b, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(etc, "left4me.env")); err != nil || string(b) != "LEFT4ME_SECRET_KEY=x\n" {
		t.Errorf("settings: %q, %v", b, err)
	}
	if st, err := os.Stat(filepath.Join(root, "instances/alpha/rcon")); err != nil || !st.ModTime().Equal(noon) {
		t.Errorf("times: %v, %v", st.ModTime(), err)
	}
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(root, "runtime/alpha/upper/sparse"), &st); err != nil || st.Blocks > 1000 {
		t.Errorf("the sparse file takes %d blocks (%v)", st.Blocks, err)
	}
	if _, err := unix.Getxattr(filepath.Join(root, "runtime/alpha/upper/left4dead2"), "user.overlay.origin", nil); err == nil {
		t.Error("an attribute that names another disk was restored")
	}
	if done.Game || len(done.Missing) > 0 || done.Aside != "" || len(done.Written) != 1 {
		t.Errorf("got %+v", done)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "tmp", "*")); len(left) > 0 {
		t.Errorf("files left: %q", left)
	}
}

// After a restore, the upper directory of a real overlay must show the same content.
func TestOverlayShowsSameContentAfterRestore(t *testing.T) {
	if out, err := exec.Command("unshare", "-rm", "true").CombinedOutput(); err != nil {
		t.Skipf("no user namespaces here: %v %s", err, out)
	}
	root := t.TempDir()
	write(t, filepath.Join(root, "snapshot.db"), "x")
	for _, f := range []string{"gone", "dir/a", "dir/b", "kept"} {
		write(t, filepath.Join(root, "installation/base", f), f)
	}
	mounted := func(root, script string) string {
		t.Helper()
		for _, d := range []string{"upper", "work", "merged"} {
			if err := os.MkdirAll(filepath.Join(root, "runtime/alpha", d), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		c := exec.Command("unshare", "-rm", "sh", "-ec", `
			mount -t overlay overlay -o "userxattr,lowerdir=$BASE,upperdir=$1/upper,workdir=$1/work" "$1/merged"
			cd "$1/merged"
			`+script, "sh", filepath.Join(root, "runtime/alpha"))
		c.Env = append(os.Environ(), "BASE="+filepath.Join(root, "installation/base"))
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("got %v %s", err, out)
		}
		_ = os.Chmod(filepath.Join(root, "runtime/alpha/work/work"), 0o700)
		return string(out)
	}
	mounted(root, "rm gone; rm -r dir; mkdir dir; echo new >dir/c; echo more >>kept")
	const look = "find . -type f | sort; cat kept"
	before := mounted(root, look)
	if want := "./dir/c\n./kept\nkeptmore\n"; before != want {
		t.Fatalf("got %q from the original overlay, want %q", before, want)
	}
	archive, m := packed(t, Source{Root: root, Database: filepath.Join(root, "snapshot.db"), Head: Head{Format: Format, CreatedAt: noon}})
	if len(m.Warnings) > 0 {
		t.Errorf("got %q", m.Warnings)
	}
	again := t.TempDir()
	if err := os.CopyFS(filepath.Join(again, "installation"), os.DirFS(filepath.Join(root, "installation"))); err != nil {
		t.Fatal(err)
	}
	done, err := Restore(t.Context(), bytes.NewReader(archive), Target{Root: again, Now: noon})
	if err != nil || !done.Game {
		t.Fatalf("got %+v, %v", done, err)
	}
	if after := mounted(again, look); after != before {
		t.Errorf("got %q after the restore, want %q", before, after)
	}
}

func TestChangingFileIsPackedAgain(t *testing.T) {
	s := source(t)
	if err := os.Truncate(filepath.Join(s.Root, "runtime/alpha/upper/sparse"), 0); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(s.Root, "runtime/alpha/upper/left4dead2/logs/log")
	for _, c := range []struct {
		what    string
		writes  int
		size    int64
		changed bool
	}{{"never", 0, 1 << 20, false}, {"once", 1, 1<<20 + 1, false}, {"each time", 1 << 30, 1<<20 + 8, true}} {
		write(t, log, strings.Repeat("x", 1<<20))
		writes, before := 0, int64(0)
		s.Progress = func(done, _ int64) {
			inside := done-before == copyBuffer // only the log is longer than the buffer
			if before = done; !inside || writes == c.writes {
				return
			}
			writes++
			f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteString("y")
			}
			if err != nil {
				t.Error(err)
			}
			f.Close()
		}
		archive, m := packed(t, s)
		i := slices.IndexFunc(m.Entries, func(e Entry) bool { return strings.HasSuffix(e.Path, "logs/log") })
		if i < 0 || m.Entries[i].Changed != c.changed || m.Entries[i].Size != c.size && !c.changed {
			t.Errorf("%s: got %+v", c.what, m.Entries[max(i, 0)])
		}
		if r, err := Verify(t.Context(), bytes.NewReader(archive), nil); err != nil || len(r.Damage) > 0 {
			t.Errorf("%s: got %q, %v", c.what, r.Damage, err)
		}
		root := t.TempDir()
		if _, err := Restore(t.Context(), bytes.NewReader(archive), Target{Root: root, Schema: 4, Now: noon}); err != nil {
			t.Error(err)
		}
		_ = os.Chmod(filepath.Join(root, "overlays/maps/10/left4dead2"), 0o755)
		if st, err := os.Stat(filepath.Join(root, "runtime/alpha/upper/left4dead2/logs/log")); err != nil ||
			st.Size() != m.Entries[i].Size {
			t.Errorf("%s: got %v, %v", c.what, st, err)
		}
	}
}

func TestRestorePutsExistingFilesAside(t *testing.T) {
	archive, _ := packed(t, source(t))
	root := t.TempDir()
	write(t, filepath.Join(root, databaseName), "what was there")
	write(t, filepath.Join(root, databaseName+"-wal"), "its log")
	write(t, filepath.Join(root, "runtime/beta/upper/x"), "what beta wrote")
	to := Target{Root: root, Schema: 4, Now: noon}
	if _, err := Restore(t.Context(), bytes.NewReader(archive), to); !errors.Is(err, left4me.Conflict) {
		t.Fatalf("got %v, want left4me.Conflict", err)
	}
	if b, err := os.ReadFile(filepath.Join(root, databaseName)); err != nil || string(b) != "what was there" {
		t.Fatalf("got %q, %v", b, err)
	}
	to.Force = true
	done, err := Restore(t.Context(), bytes.NewReader(archive), to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, "overlays/maps/10/left4dead2"), 0o755) })
	for name, text := range map[string]string{
		databaseName:           "what was there",
		databaseName + "-wal":  "its log",
		"runtime/beta/upper/x": "what beta wrote",
	} {
		if b, err := os.ReadFile(filepath.Join(done.Aside, name)); err != nil || string(b) != text {
			t.Errorf("put aside: %s contains %q, %v", name, b, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(root, databaseName)); err != nil || string(b) != "the database" {
		t.Errorf("got %q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(root, databaseName+"-wal")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old database's log is still in place: %v", err)
	}
	if len(done.Missing) != 1 || done.Missing[0] != "workshop_cache/7/1.vpk" {
		t.Errorf("got missing files %q", done.Missing)
	}
}

func TestRestoreKeepsExistingSettings(t *testing.T) {
	archive, _ := packed(t, source(t))
	etc, root := t.TempDir(), t.TempDir()
	write(t, filepath.Join(etc, "left4me.env"), "own")
	to := Target{Root: root, Settings: etc, Schema: 4, Now: noon}
	if _, err := Restore(t.Context(), bytes.NewReader(archive), to); !errors.Is(err, left4me.Conflict) {
		t.Errorf("got %v", err)
	}
	// The files had been written already, including a directory without write permission.
	if left, _ := filepath.Glob(filepath.Join(root, "*", "*")); len(left) > 0 {
		t.Errorf("files left: %q", left)
	}
	to.Settings, to.Force = "", true
	if done, err := Restore(t.Context(), bytes.NewReader(archive), to); err != nil || !slices.Equal(done.Kept, []string{"left4me.env"}) {
		t.Errorf("got %+v, %v", done, err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, "overlays/maps/10/left4dead2"), 0o755) })
	if b, err := os.ReadFile(filepath.Join(etc, "left4me.env")); err != nil || string(b) != "own" {
		t.Errorf("got %q, %v", b, err)
	}
}

// left4me's user owns the root: a symbolic link in it must not make root write elsewhere.
func TestRestoreFollowsNoLinkInRoot(t *testing.T) {
	archive, _ := packed(t, source(t))
	outside, root := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "restore-x/precious"), "x")
	if err := os.Symlink(outside, filepath.Join(root, "tmp")); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), bytes.NewReader(archive), Target{Root: root, Schema: 4, Now: noon}); err == nil {
		t.Error("the restore followed a symbolic link")
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v", entries, err)
	}
	if _, err := os.Stat(filepath.Join(outside, "restore-x/precious")); err != nil {
		t.Error(err)
	}
}

func TestRestoreRefusesNewerDatabase(t *testing.T) {
	archive, _ := packed(t, source(t))
	root := t.TempDir()
	_, err := Restore(t.Context(), bytes.NewReader(archive), Target{Root: root, Schema: 3, Now: noon})
	if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Invalid || !strings.Contains(e.Text, "1.2.3") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, databaseName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestVerifyDetectsDamage(t *testing.T) {
	s := source(t)
	// In a block of zeros, a changed copy distance yields the same zeros, which is no damage. Only
	// the padding of the tar contains such blocks then.
	if err := os.Truncate(filepath.Join(s.Root, "runtime/alpha/upper/sparse"), 0); err != nil {
		t.Fatal(err)
	}
	archive, m := packed(t, s)
	seen := 0
	for at := 0; at < len(archive); at += 1 + len(archive)/97 {
		broken := bytes.Clone(archive)
		broken[at] ^= 0x41
		r, err := Verify(t.Context(), bytes.NewReader(broken), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Damage) > 0 {
			seen++
		} else if d := cmp.Diff(m, r.Manifest); d != "" || r.Head != s.Head {
			t.Errorf("the change of byte %d was not detected\n%s", at, d)
		}
	}
	if seen < 60 {
		t.Errorf("detected %d of 97 changes, want at least 60", seen)
	}
	for _, size := range []int{0, 1, len(archive) / 2, len(archive) - 1} {
		root := t.TempDir()
		_, err := Restore(t.Context(), bytes.NewReader(archive[:size]), Target{Root: root, Schema: 4, Now: noon})
		if !errors.Is(err, left4me.Invalid) {
			t.Errorf("%d bytes of %d: %v", size, len(archive), err)
		}
		if left, _ := filepath.Glob(filepath.Join(root, "*", "*")); len(left) > 0 {
			t.Errorf("files left: %q", left)
		}
	}
}

func TestPackEndsWithContext(t *testing.T) {
	s := source(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.Progress = func(int64, int64) { cancel() }
	archives := Archives{Dir: filepath.Join(s.Root, "backups")}
	if _, err := archives.Pack(ctx, "b", s); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if left, err := os.ReadDir(archives.Dir); err != nil || len(left) > 0 {
		t.Errorf("files left: %v, %v", left, err)
	}
}
