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

// A power cut may come between any two system calls, so their order matters: the content must be on
// disk before the rename, and the directory before WriteFile returns.
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
		last string // directory that must be synced last
	}{
		"WriteFile": {func() error { return durable.WriteFile(filepath.Join(dir, "a"), []byte("x"), 0o600) }, filepath.Base(dir)},
		"Replace":   {func() error { return durable.Replace(temp(), filepath.Join(dir, "a")) }, filepath.Base(dir)},
		"ReplaceIn": {func() error { return durable.ReplaceIn(root, temp(), ".new-1", "in/a") }, "in"},
	} {
		calls, err := systemCalls(t, c.do)
		if want := []string{"fsync .new-", "rename", "fsync " + c.last}; err != nil || !slices.Equal(calls, want) {
			t.Errorf("%s: got %q, %v; want %q", name, calls, err, want)
		}
	}
}

// systemCalls runs do on a thread and returns its syncs and renames with their files, in order. The
// kernel reports each system call of that thread before it executes the call.
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
