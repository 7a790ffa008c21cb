package vpk_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/source/vpk"
)

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	r, err := os.OpenRoot(dir)
	must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

func TestExtractReplacesExistingFiles(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "addoninfo.txt"), []byte("older"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, ".left4me-extract"), []byte("left by a killed extraction"), 0o600))
	a := open(t, build(2, manyKinds()...).write(t, "pak01_dir"))
	var done int
	must(t, a.Extract(t.Context(), openRoot(t, dir), nil, func(vpk.Entry) { done++ }))
	for i, e := range a.Entries() {
		got, err := os.ReadFile(filepath.Join(dir, e.Path))
		if err != nil || string(got) != manyKinds()[i].data {
			t.Errorf("%s: %d bytes, %v", e.Path, len(got), err)
		}
	}
	if done != len(a.Entries()) {
		t.Errorf("done was called for %d files", done)
	}
	if _, err := os.Lstat(filepath.Join(dir, ".left4me-extract")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the temporary file still exists: %v", err)
	}

	dir = t.TempDir()
	must(t, a.Extract(t.Context(), openRoot(t, dir), []string{"maps/", "addoninfo.txt"}, nil))
	var names []string
	must(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, d.Name())
		}
		return err
	}))
	if got := strings.Join(names, " "); got != "addoninfo.txt m1.bsp m2.bsp m3.bsp" {
		t.Errorf("got %s", got)
	}
	if err := a.Extract(t.Context(), openRoot(t, t.TempDir()), []string{"maps", "none"}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing path: got error %v, want ErrNotExist", err)
	}
}

func TestExtractRejectsUnsafeNames(t *testing.T) {
	good := file{"d", "good", "txt", "good", 0, same, 0, 0, 0}
	named := func(dir, name, ext string) []file { return []file{good, {dir, name, ext, "bad", 0, same, 0, 0, 0}} }
	for what, files := range map[string][]file{
		"up":                            named("..", "x", "txt"),
		"up in the middle":              named("d/../..", "x", "txt"),
		"absolute":                      named("/etc", "x", "txt"),
		"backslash":                     named(`..\d`, "x", "txt"),
		"backslash in a name":           named("d", `..\x`, "txt"),
		"a drive":                       named("c:", "x", "txt"),
		"a slash at the end":            named("d/", "x", "txt"),
		"the directory itself":          named(" ", ".", " "),
		"control characters":            named("d", "x\x1b[2J", "txt"),
		"a new line":                    named("d", "x\ny", "txt"),
		"too long for a disk":           named("d", strings.Repeat("n", 256), "txt"),
		"not UTF-8":                     named("d", "\xff", "txt"),
		"the temporary name":            named("d", ".left4me-extract", " "),
		"the same name":                 {good, good},
		"the same name in another case": named("D", "GOOD", "TXT"),
		"a file as a directory":         named("d/good.txt", "x", "txt"),
		"a directory named like a file, in reverse order": {{"d/good.txt/e/f", "x", "txt", "", 0, same, 0, 0, 0}, good},
	} {
		dir := t.TempDir()
		a := open(t, build(1, files...).write(t, "x"))
		err := a.Extract(t.Context(), openRoot(t, dir), nil, nil)
		var at *vpk.Error
		if !errors.Is(err, vpk.ErrName) || !errors.As(err, &at) || at.Offset < 12 {
			t.Errorf("%s: got error %v, want ErrName with an offset", what, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: extracted %v, %v", what, left, err)
		}
	}
}

func TestExtractStaysInItsDirectory(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	must(t, os.Symlink(outside, filepath.Join(dir, "d")))
	a := open(t, build(1, file{"d", "n", "txt", "text", 0, same, 0, 0, 0}).write(t, "x"))
	if err := a.Extract(t.Context(), openRoot(t, dir), nil, nil); err == nil {
		t.Error("Extract followed a symlink out of the directory")
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("wrote %v outside of the directory, %v", left, err)
	}
}

func TestExtractKeepsOldFileOnWrongChecksum(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "d"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "d/n.txt"), []byte("older"), 0o600))
	a := open(t, build(1, file{"d", "n", "txt", "text", 0, same, 12345, 0, 0}).write(t, "x"))
	if err := a.Extract(t.Context(), openRoot(t, dir), nil, nil); !errors.Is(err, vpk.ErrSum) {
		t.Errorf("got error %v, want ErrSum", err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "d/n.txt")); err != nil || string(got) != "older" {
		t.Errorf("got %q, %v, want the old content", got, err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "d")); err != nil || len(left) != 1 {
		t.Errorf("got files %v, %v, want one", left, err)
	}
}
