package legacyfiles

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	must(t, os.WriteFile(name, []byte(text), 0o644))
}

func isWhiteout(t *testing.T, name string) bool {
	t.Helper()
	var st unix.Stat_t
	return unix.Lstat(name, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == 0
}

func attribute(name, attr string) string {
	var buf [64]byte
	n, err := unix.Lgetxattr(name, attr, buf[:])
	if err != nil {
		return err.Error()
	}
	return string(buf[:n])
}

func TestConvertUpperConvertsMarks(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		".wh.gone": "", "sub/.wh.gone too": "", "sub/.wh.back": "", "sub/back": "made anew", "opaque/.wh..wh..opq": "", "opaque/file": "x",
		"both/file": "y",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	if err := unix.Setxattr(filepath.Join(dir, "both"), fuseOpaque, []byte("y"), 0); err != nil {
		t.Skip("no attributes on this file system: ", err)
	}
	must(t, unix.Setxattr(filepath.Join(dir, "both/file"), "user.fuseoverlayfs.origin", []byte("z"), 0))
	must(t, os.Symlink("/etc", filepath.Join(dir, "link")))
	const marks = 6
	if n, err := ConvertUpper(dir, false); n != marks || err != nil {
		t.Errorf("dry run: got %d marks, %v", n, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, ".wh.gone")); err != nil {
		t.Errorf("the dry run removed a mark: %v", err)
	}
	for _, want := range []int{marks, 0} {
		if n, err := ConvertUpper(dir, true); n != want || err != nil {
			t.Errorf("got %d marks, want %d, %v", n, want, err)
		}
		for _, name := range []string{"gone", "sub/gone too"} {
			if !isWhiteout(t, filepath.Join(dir, name)) {
				t.Errorf("%s is not a whiteout", name)
			}
		}
		if b, err := os.ReadFile(filepath.Join(dir, "sub/back")); string(b) != "made anew" {
			t.Errorf("got %q, %v", b, err)
		}
		for _, name := range []string{"opaque", "both"} {
			if got := attribute(filepath.Join(dir, name), kernelOpaque); got != "y" {
				t.Errorf("%s is not opaque: %s", name, got)
			}
		}
		if got := attribute(filepath.Join(dir, "both/file"), "user.fuseoverlayfs.origin"); got == "z" {
			t.Error("an attribute of fuse-overlayfs is left")
		}
		left, err := filepath.Glob(dir + "/*/.wh.*")
		if err != nil || len(left) > 0 {
			t.Errorf("marks left: %q, %v", left, err)
		}
	}
}

func TestConvertUpperReportsUnknownMark(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".wh..wh.plnk"), "")
	if _, err := ConvertUpper(dir, true); err == nil || !strings.Contains(err.Error(), "no mark that is known") {
		t.Errorf("got %v, want an error about the unknown mark", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, ".wh..wh.plnk")); err != nil {
		t.Error(err)
	}
}

// The key of an overlay may be a path. It must not lead outside the directory of overlays.
func TestKeysStayInDirectory(t *testing.T) {
	from := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(from, "overlays/maps"), 0o755))
	must(t, os.MkdirAll(filepath.Join(from, "secret"), 0o755))
	must(t, os.Symlink("../secret", filepath.Join(from, "overlays/link")))
	f := Files{From: from}
	for key, want := range map[string]string{
		"maps": "overlays/maps", "overlays/maps": "overlays/maps", from + "/overlays/maps": "overlays/maps", "./maps/": "overlays/maps",
		"../secret": "", "link": "", "/etc": "", from: "", "": "", ".": "", "none": "", "overlays/../../x": "",
	} {
		if want != "" {
			want = filepath.Join(from, want)
		}
		if got := f.find("overlays", key); got != want {
			t.Errorf("find(%q) = %q, want %q", key, got, want)
		}
	}
}

// The old directory keeps its files, and partial files of an interrupted run do not matter.
func TestFilesElsewhereAreHardLinked(t *testing.T) {
	from, root := t.TempDir(), t.TempDir()
	write(t, filepath.Join(from, "installation/srcds_run"), "run")
	write(t, filepath.Join(root, "tmp/import-installation/half"), "x")
	f := Files{From: from, Root: root, Apply: true}
	must(t, f.Installation())
	a, aerr := os.Stat(filepath.Join(from, "installation/srcds_run"))
	b, berr := os.Stat(filepath.Join(root, "installation/base/srcds_run"))
	if err := errors.Join(aerr, berr); err != nil || !os.SameFile(a, b) {
		t.Errorf("got %v, %+v", err, f)
	}
	if _, err := os.Stat(filepath.Join(root, "installation/base/half")); err == nil {
		t.Error("the import contains a partial file of an interrupted run")
	}
}
