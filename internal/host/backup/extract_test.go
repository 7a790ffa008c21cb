package backup

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// extraction returns the extraction of an archive into an empty directory.
func extraction(t *testing.T, archive []byte) (Extraction, string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "archive")
	if err := errors.Join(os.WriteFile(file, archive, 0o600), os.Mkdir(filepath.Join(dir, "stage"), 0o700)); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	stage, err := os.OpenRoot(filepath.Join(dir, "stage"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close(); stage.Close() })
	return Extraction{File: f, Space: 1 << 30, Stage: stage, To: "tree", Group: -1}, filepath.Join(dir, "stage")
}

func TestOneOverlayIsExtracted(t *testing.T) {
	s := source(t)
	archive, _ := packed(t, s)
	x, stage := extraction(t, archive)
	out, err := x.Overlay(t.Context(), "maps")
	if err != nil || out.Files != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(stage, "tree/left4dead2"), 0o755) })
	// old.cfg is a hard link to a file of an earlier revision, which is not extracted.
	for name, want := range map[string]string{"left4dead2/addons/a.vpk": "newest", "left4dead2/old.cfg": "old"} {
		if b, err := os.ReadFile(filepath.Join(stage, "tree", name)); string(b) != want {
			t.Errorf("%s contains %q, %v", name, b, err)
		}
	}
	if len(out.Missing) != 1 || !slices.Equal(out.Missing[0].Links, []string{"left4dead2/addons/7.vpk"}) ||
		!Cached(t.Context(), s.Root, out.Missing[0]) {
		t.Errorf("downloads %+v", out.Missing)
	}
	if _, err := os.Lstat(filepath.Join(stage, "tree/left4dead2/new.cfg")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file of another revision: %v", err)
	}
	x, _ = extraction(t, archive)
	if _, err := x.Overlay(t.Context(), "none"); !errors.Is(err, left4me.NotFound) {
		t.Errorf("an overlay that is not in the backup: %v", err)
	}
}

func TestOneWritableLayerIsExtracted(t *testing.T) {
	archive, _ := packed(t, source(t))
	x, stage := extraction(t, archive)
	x.Mode = 0o060
	if out, err := x.Upper(t.Context(), "alpha"); err != nil || out.Files == 0 {
		t.Fatalf("%+v, %v", out, err)
	}
	at := func(p string) string { return filepath.Join(stage, "tree", p) }
	if b, err := os.ReadFile(at("left4dead2/bans")); string(b) != "banid 0 STEAM_1:0:1\n" {
		t.Errorf("%q, %v", b, err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(at("left4dead2/removed.cfg"), &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != 0 {
		t.Errorf("the whiteout: %+v, %v", st, err)
	}
	opaque := make([]byte, 8)
	if n, err := unix.Getxattr(at("left4dead2"), "user.overlay.opaque", opaque); err != nil || string(opaque[:n]) != "y" {
		t.Errorf("the opaque mark: %q, %v", opaque, err)
	}
	for p, want := range map[string]fs.FileMode{"sparse": 0o664, "left4dead2": 0o770} { // the game may write to all of them
		if st, err := os.Stat(at(p)); err != nil || st.Mode().Perm()&0o060 != 0o060 || p == "sparse" && st.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v", p, st.Mode(), err)
		}
	}
	x, stage = extraction(t, archive)
	if out, err := x.Upper(t.Context(), "beta"); err != nil || out.Files != 0 {
		t.Errorf("a server without files: %+v, %v", out, err)
	}
	if _, err := os.Lstat(filepath.Join(stage, "tree")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a server without files: %v", err)
	}
}

// Nothing is written before the archive was read to its end.
func TestDamagedArchiveExtractsNothing(t *testing.T) {
	archive, _ := packed(t, source(t))
	changed := bytes.Clone(archive)
	changed[len(changed)*2/3] ^= 0xff
	for what, a := range map[string][]byte{
		"truncated": archive[:len(archive)-20], "changed": changed, "empty": {}, "a text": []byte(strings.Repeat("no archive ", 100)),
		"outside": archiveOf(t, append(directory("overlays", "overlays/../../x"), directory("overlays/maps")...)...),
	} {
		x, stage := extraction(t, a)
		if _, err := x.Overlay(t.Context(), "maps"); !errors.Is(err, left4me.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
		if names, err := os.ReadDir(stage); err != nil || len(names) > 0 {
			t.Errorf("%s left %v, %v", what, names, err)
		}
	}
	x, _ := extraction(t, archive)
	x.Space = 3
	if _, err := x.Upper(t.Context(), "alpha"); !errors.Is(err, left4me.DiskFull) {
		t.Errorf("more than fits on the disk: %v", err)
	}
}

func TestDatabaseOfArchiveIsCopied(t *testing.T) {
	archive, _ := packed(t, source(t))
	file := filepath.Join(t.TempDir(), "copy.db")
	head, err := Database(t.Context(), bytes.NewReader(archive), file)
	if b, rerr := os.ReadFile(file); err != nil || head.Version != "1.2.3" || string(b) != "the database" {
		t.Errorf("%q, %+v, %v, %v", b, head, err, rerr)
	}
	file = filepath.Join(t.TempDir(), "none.db")
	if _, err := Database(t.Context(), bytes.NewReader(archive[:100]), file); !errors.Is(err, left4me.Invalid) {
		t.Errorf("a truncated archive: %v", err)
	}
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a truncated archive left %v", err)
	}
}

func TestBackupKnowsSizesOfItsServersAndOverlays(t *testing.T) {
	s := source(t)
	archives := Archives{Dir: filepath.Join(s.Root, "backups")}
	createBackup(t, archives, "one", s)
	items := archives.Items("one", 10)
	i := slices.IndexFunc(items, func(v left4me.BackupItem) bool { return v.Kind == left4me.ServerTarget && v.Name == "alpha" })
	if len(items) != 2 || i < 0 || items[i].Files < 3 || items[i].Bytes < 64<<20 {
		t.Errorf("%+v", items)
	}
	// A backup of an earlier version has no sizes until it is verified.
	note := filepath.Join(archives.Dir, "one.json")
	if err := os.Remove(note); err != nil {
		t.Fatal(err)
	}
	if items := archives.Items("one", 10); items != nil {
		t.Errorf("without a note: %+v", items)
	}
	if _, err := archives.Verify(t.Context(), "one", nil); err != nil {
		t.Fatal(err)
	}
	if again := archives.Items("one", 10); !slices.Equal(again, items) {
		t.Errorf("after Verify: %+v, want %+v", again, items)
	}
}
