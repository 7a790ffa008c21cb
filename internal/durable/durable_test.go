package durable_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/left4me/left4me/internal/disk/disktest"
	"github.com/left4me/left4me/internal/durable"
)

func TestFileIsReplacedAtomically(t *testing.T) {
	name := filepath.Join(t.TempDir(), "settings")
	for _, text := range []string{"first\n", "second, which is longer\n", ""} {
		for _, mode := range []fs.FileMode{0o600, 0o640, 0o644} {
			if err := durable.WriteFile(name, []byte(text), mode); err != nil {
				t.Fatal(err)
			}
			holds(t, name, text, mode)
		}
	}
}

// A reader that has the file open keeps reading the old content.
func TestOpenReaderKeepsOldContent(t *testing.T) {
	name := filepath.Join(t.TempDir(), "settings")
	if err := durable.WriteFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := durable.WriteFile(name, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 10)
	if n, _ := f.Read(b); string(b[:n]) != "old" {
		t.Errorf("the old file now has %q", b[:n])
	}
}

func TestFailedWriteKeepsOldFile(t *testing.T) {
	no := errors.New("no")
	name := filepath.Join(t.TempDir(), "settings")
	if err := durable.WriteFile(name, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(name, []byte("new"), 0o600, func(*os.File) error { return no }); !errors.Is(err, no) {
		t.Errorf("got error %v", err)
	}
	holds(t, name, "old", 0o640)

	dir := filepath.Join(filepath.Dir(name), "dir") // a file cannot replace a directory
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(dir, []byte("new"), 0o600); err == nil {
		t.Error("a directory was replaced")
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 2 {
		t.Errorf("files left: %v, %v", entries, err)
	}
	if err := durable.WriteFile(filepath.Join(dir, "none", "x"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a missing directory: %v", err)
	}
}

func TestFullDiskKeepsOldFile(t *testing.T) {
	disktest.OnSmall(t, "1m", func(t *testing.T, full string) {
		name := filepath.Join(full, "settings")
		if err := durable.WriteFile(name, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := durable.WriteFile(name, bytes.Repeat([]byte("x"), 2<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("writing 2 MiB to a disk of 1 MiB: %v", err)
		}
		holds(t, name, "old", 0o600)
	})
}

// holds checks the content and mode of a file, and that no other file is in its directory.
func holds(t *testing.T, name, text string, mode fs.FileMode) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil || string(b) != text {
		t.Fatalf("got content %q: %v", b, err)
	}
	st, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode() != mode {
		t.Errorf("got mode %v, want %v", st.Mode(), mode)
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 1 {
		t.Errorf("other files in the directory: %v, %v", entries, err)
	}
}

func TestFileIsReplacedUnderRoot(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := errors.Join(root.Mkdir("in", 0o755), os.Symlink(other, filepath.Join(dir, "out"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"in/a", "in/a", "out/a"} {
		f, err := root.Create("new")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(name); err != nil {
			t.Fatal(err)
		}
		if err := durable.ReplaceIn(root, f, "new", name); (err == nil) != (name == "in/a") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := root.Stat("new"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the temporary file still exists: %v", name, err)
		}
	}
	holds(t, filepath.Join(dir, "in", "a"), "in/a", 0o644)
	if entries, err := os.ReadDir(other); err != nil || len(entries) > 0 {
		t.Errorf("outside the root: %v, %v", entries, err)
	}
}
