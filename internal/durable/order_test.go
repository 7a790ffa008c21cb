package durable_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/syscalltest"
)

// A power cut comes between any two system calls, so their order is the promise: the
// contents are on the disk before the name is, and the name before the caller is told.
func TestContentIsSyncedBeforeRenameAndDirectoryAfter(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	temp := func() *os.File {
		f, err := root.Create(".new-1")
		if err != nil {
			t.Error(err)
		}
		return f
	}
	if err := root.Mkdir("in", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		do   func() error
		last string // the directory that is synced
	}{
		"WriteFile": {func() error { return durable.WriteFile(filepath.Join(dir, "a"), []byte("x"), 0o600) }, filepath.Base(dir)},
		"Replace":   {func() error { return durable.Replace(temp(), filepath.Join(dir, "a")) }, filepath.Base(dir)},
		"ReplaceIn": {func() error { return durable.ReplaceIn(root, temp(), ".new-1", "in/a") }, "in"},
	} {
		calls, err := systemCalls(t, c.do)
		if want := []string{"fsync .new-", "rename", "fsync " + c.last}; err != nil || !slices.Equal(calls, want) {
			t.Errorf("%s: %q, %v; want %q", name, calls, err, want)
		}
	}
}

// systemCalls runs do and returns which files it syncs, and when it renames one, in
// order. The kernel tells of each call before it happens, and only of those of the
// thread that do runs on.
func systemCalls(t *testing.T, do func() error) (calls []string, err error) {
	t.Helper()
	type filtered struct {
		listener int
		err      error
	}
	began, ended := make(chan filtered, 1), make(chan error, 1)
	syscalltest.OnThread(func() {
		fd, err := syscalltest.Filter(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER,
			syscalltest.Told(unix.SYS_FSYNC, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2)...)
		began <- filtered{fd, err}
		if err == nil {
			ended <- do()
		}
	})
	f := <-began
	if f.err != nil {
		syscalltest.Required(t, f.err)
	}
	defer unix.Close(f.listener)
	for listener := syscalltest.Listener(f.listener); ; {
		c, err := listener.Next()
		if errors.Is(err, io.EOF) {
			return calls, <-ended
		}
		if err != nil {
			t.Fatal(err)
		}
		if c.Number == unix.SYS_FSYNC {
			file, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", c.Args[0]))
			if err != nil {
				t.Error(err)
			}
			file = filepath.Base(file)
			if temp, _, ok := strings.Cut(durable.Temp, "*"); ok && strings.HasPrefix(file, temp) {
				file = temp
			}
			calls = append(calls, "fsync "+file)
		} else {
			calls = append(calls, "rename")
		}
		if err := listener.Continue(c); err != nil {
			t.Fatal(err)
		}
	}
}
