package localfs_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/localfs"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, f *localfs.FS, path string) string {
	t.Helper()
	r, err := f.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// No call may access anything but regular files and directories under the root.
func TestNothingOutsideRootIsAccessible(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	write(t, filepath.Join(dir, "secret"), "secret")
	write(t, filepath.Join(root, "tmp/a/file"), "content")
	write(t, filepath.Join(root, "tmp/b/secret"), "of another")
	if err := errors.Join(
		os.Symlink("../../secret", filepath.Join(root, "tmp/out")),
		os.Symlink("a/file", filepath.Join(root, "tmp/in")),
		os.Symlink("b", filepath.Join(root, "tmp/dir")),
		unix.Mkfifo(filepath.Join(root, "tmp/pipe"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	f := localfs.New(root)
	for _, p := range []string{
		"", ".", "..", "/etc/passwd", "tmp/../tmp/a/file", "../secret", "tmp//a/file", "tmp/out", "tmp/in", "tmp/dir/secret", "tmp/pipe",
		"tmp/a",
	} {
		if r, err := f.Open(t.Context(), p); err == nil {
			r.Close()
			t.Errorf("%q was opened", p)
		} else if !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("open %q: got %v, want fs.ErrInvalid", p, err)
		}
		if w, err := f.OpenWriter(t.Context(), p); err == nil {
			w.Close()
			t.Errorf("%q was opened for writing", p)
		}
		if err := f.Append(t.Context(), p, []byte("x")); err == nil {
			t.Errorf("%q was appended to", p)
		}
	}
	for _, p := range []string{"tmp/out/x", "tmp/dir/x", "../x", "/tmp/x", "x", "."} {
		if err := f.Put(t.Context(), p, []byte("x")); err == nil {
			t.Errorf("%q was written", p)
		}
		if err := f.Rename(t.Context(), "tmp/a/file", p); err == nil {
			t.Errorf("a file was renamed to %q", p)
		}
	}
	for _, p := range []string{"tmp/dir", "tmp/out"} {
		if _, err := f.List(t.Context(), p); err == nil {
			t.Errorf("%q was listed", p)
		}
		if err := f.MakeDir(t.Context(), p+"/x"); err == nil {
			t.Errorf("a directory was created in %q", p)
		}
		if err := f.Remove(t.Context(), p); err != nil { // removes the link, not its target
			t.Errorf("remove %q: %v", p, err)
		}
	}
	if err := f.Remove(t.Context(), "tmp"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("remove tmp: got %v, want fs.ErrInvalid", err)
	}
	for path, want := range map[string]string{"secret": "secret", "root/tmp/a/file": "content", "root/tmp/b/secret": "of another"} {
		if b, err := os.ReadFile(filepath.Join(dir, path)); err != nil || string(b) != want {
			t.Errorf("%s: got %q, %v", path, b, err)
		}
	}
}

// Symbolic links are not followed, even if their target is under the root.
func TestLinksUnderRootAreNotFollowed(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "tmp/b/file"), "of another")
	write(t, filepath.Join(root, "tmp/a/mine"), "mine")
	err := errors.Join(os.Symlink("b", filepath.Join(root, "tmp/dir")), os.Symlink("b/file", filepath.Join(root, "tmp/link")))
	if err != nil {
		t.Fatal(err)
	}
	old := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(root, "tmp/b/file"), old, old); err != nil {
		t.Fatal(err)
	}
	f, ctx := localfs.New(root), t.Context()
	for call, do := range map[string]func() error{
		"stat":          func() error { _, err := f.Stat(ctx, "tmp/dir/file"); return err },
		"list":          func() error { _, err := f.List(ctx, "tmp/dir"); return err },
		"open":          func() error { _, err := f.Open(ctx, "tmp/dir/file"); return err },
		"open a writer": func() error { _, err := f.OpenWriter(ctx, "tmp/dir/new"); return err },
		"append":        func() error { return f.Append(ctx, "tmp/dir/file", []byte("x")) },
		"put":           func() error { return f.Put(ctx, "tmp/dir/file", []byte("x")) },
		"make dir":      func() error { return f.MakeDir(ctx, "tmp/dir/new") },
		"rename":        func() error { return f.Rename(ctx, "tmp/dir/file", "tmp/a/file") },
		"rename into":   func() error { return f.Rename(ctx, "tmp/a/mine", "tmp/dir/new/mine") },
		"remove":        func() error { return f.Remove(ctx, "tmp/dir/file") },
		"touch":         func() error { return f.Touch(ctx, "tmp/dir/file", time.Now()) },
		"touch a link":  func() error { return f.Touch(ctx, "tmp/link", time.Now()) },
		"space":         func() error { _, err := f.Space(ctx, "tmp/dir"); return err },
	} {
		if err := do(); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: got %v, want fs.ErrInvalid", call, err)
		}
	}
	all, err := os.ReadDir(filepath.Join(root, "tmp/b"))
	if err != nil || len(all) != 1 {
		t.Errorf("the linked directory contains %v, %v, want one file", all, err)
	}
	st, err := os.Stat(filepath.Join(root, "tmp/b/file"))
	if err != nil || !st.ModTime().Equal(old) {
		t.Errorf("the linked file was touched: %v", err)
	}
}

// Concurrent calls of Put all succeed, and the file contains the data of exactly one of them.
func TestConcurrentPutsDoNotMix(t *testing.T) {
	root := t.TempDir()
	f := localfs.New(root)
	if err := f.MakeDir(t.Context(), "tmp"); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		var putting sync.WaitGroup
		for _, letter := range []string{"a", "b", "c", "d"} {
			putting.Go(func() {
				if err := f.Put(t.Context(), "tmp/file", []byte(strings.Repeat(letter, 100_000))); err != nil {
					t.Error(err)
				}
			})
		}
		putting.Wait()
		if got := read(t, f, "tmp/file"); len(got) != 100_000 || strings.Trim(got, got[:1]) != "" {
			t.Fatalf("got %d bytes from several calls", len(got))
		}
	}
}

func TestWriteReadAndMoveFiles(t *testing.T) {
	root := t.TempDir()
	f, ctx := localfs.New(root), t.Context()
	if _, err := f.List(ctx, "tmp"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("list a missing directory: got %v, want fs.ErrNotExist", err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(f.MakeDir(ctx, "tmp/one/parts"))
	must(f.MakeDir(ctx, "tmp/one/parts"))
	w, err := f.OpenWriter(ctx, "tmp/one/parts/0")
	must(err)
	for _, at := range []int64{3, 0} {
		if n, err := w.WriteAt([]byte("abc"), at); n != 3 || err != nil {
			t.Fatal(n, err)
		}
	}
	must(errors.Join(w.Sync(), w.Close()))
	must(f.Append(ctx, "tmp/one/log", []byte("1\n")))
	must(f.Append(ctx, "tmp/one/log", []byte("2\n")))
	must(f.Put(ctx, "tmp/one/moves", []byte("old, and longer")))
	must(f.Put(ctx, "tmp/one/moves", []byte("new")))
	must(f.Rename(ctx, "tmp/one/parts/0", "tmp/one/files/deep/er"))
	for path, want := range map[string]string{"tmp/one/files/deep/er": "abcabc", "tmp/one/log": "1\n2\n", "tmp/one/moves": "new"} {
		if got := read(t, f, path); got != want {
			t.Errorf("%s contains %q", path, got)
		}
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	must(f.Touch(ctx, "tmp/one/log", at))
	st, err := f.Stat(ctx, "tmp/one/log")
	if err != nil || !st.ModTime.Equal(at) || st.Size != 4 || !st.Regular || st.Dir || st.Name != "log" {
		t.Errorf("got %+v, %v", st, err)
	}
	all, err := f.List(ctx, "tmp/one")
	must(err)
	var names []string
	for _, i := range all {
		names = append(names, i.Name)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "files log moves parts" {
		t.Errorf("listed: %s", got)
	}
	s, err := f.Space(ctx, "tmp")
	if err != nil || s.Free <= 0 || s.Total < s.Free || s.Path != filepath.Join(root, "tmp") {
		t.Errorf("got %+v, %v", s, err)
	}
	must(f.Remove(ctx, "tmp/one"))
	must(f.Remove(ctx, "tmp/one"))
	if _, err := f.Stat(ctx, "tmp/one"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Remove: got %v, want fs.ErrNotExist", err)
	}
	_, err = f.Open(ctx, "tmp/one")
	if at := (*fs.PathError)(nil); !errors.As(err, &at) || at.Path != filepath.Join(root, "tmp/one") {
		t.Errorf("the error does not name the file: %v", err)
	}
}

// A directory directly under the root may be a symbolic link to another disk.
func TestTopLevelDirectoryMayBeLink(t *testing.T) {
	root, other := t.TempDir(), t.TempDir()
	if err := os.Symlink(other, filepath.Join(root, "backups")); err != nil {
		t.Fatal(err)
	}
	f := localfs.New(root)
	if err := f.Put(t.Context(), "backups/a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(other, "a")); err != nil || string(b) != "x" {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestCallsEndWithContext(t *testing.T) {
	f := localfs.New(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Put(ctx, "tmp/a", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
