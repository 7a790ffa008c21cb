package process_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestEmptyRefusesRunningServer(t *testing.T) {
	m := newMachine(t)
	m.start()
	if err := m.Empty(t.Context(), m.Name); !errors.Is(err, left4me.Busy) {
		t.Errorf("Empty of a running server: got %v, want Busy", err)
	}
	m.await(left4me.Running)
}

func TestEmptyRemovesFilesOfAnyMode(t *testing.T) {
	m := newMachine(t)
	// The game itself creates whiteouts, an opaque directory, inaccessible directories, and changed
	// modes of files from lower layers.
	m.Wrap(t, strings.Join([]string{
		"rm steam_appid.txt", "rm -r bin", "mkdir bin", "echo x > bin/new", "ln -s / root", "mkfifo pipe",
		"mkdir -p closed/in/deep", "echo x > closed/in/deep/file", "chmod 0 closed/in/deep/file closed/in/deep closed/in closed",
		"i=0; while [ $i -lt 1200 ]; do : > many-$i; i=$((i+1)); done", "chmod 500 .", "echo done",
	}, "\n"))
	m.start()
	m.await(left4me.Running)
	if err := m.Stop(t.Context(), m.Name); err != nil {
		t.Fatal(err)
	}
	upper := m.Files.Root.Upper(m.Name)
	if st, err := os.Lstat(filepath.Join(upper, "steam_appid.txt")); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		t.Fatalf("no whiteout: %v, %v", st, err)
	}
	outside := filepath.Join(string(m.Root.Root), "outside")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../..", filepath.Join(m.Files.Root.Runtime(m.Name), "work", "out")); err != nil {
		t.Fatal(err)
	}
	if err := m.Empty(t.Context(), m.Name); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(m.Files.Root.Runtime(m.Name)); err != nil || len(left) > 0 {
		t.Errorf("files left: %v, %v", left, err)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Errorf("target of a symbolic link: %v", err)
	}
	m.Prepare(t)
	m.start()
	m.await(left4me.Running)
}

func TestEmptyDoesNotFollowSymlinks(t *testing.T) {
	m := newMachine(t)
	victim := t.TempDir()
	if err := os.WriteFile(filepath.Join(victim, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	upper := m.Files.Root.Upper(m.Name)
	if err := errors.Join(os.Remove(upper), os.Symlink(victim, upper)); err != nil {
		t.Fatal(err)
	}
	if err := m.Empty(t.Context(), m.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(victim, "file")); err != nil {
		t.Errorf("the symbolic link was followed: %v", err)
	}
	if st, err := os.Lstat(upper); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("upper: %v, %v", st, err)
	}
	// The same with a link one level higher.
	runtime := m.Files.Root.Runtime(m.Name)
	if err := errors.Join(os.Rename(runtime, runtime+".away"), os.Symlink(victim, runtime)); err != nil {
		t.Fatal(err)
	}
	if err := m.Empty(t.Context(), m.Name); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(victim, "file")); err != nil {
		t.Errorf("a symbolic link instead of the runtime directory was followed: %v", err)
	}
	if err := errors.Join(os.Remove(runtime), os.Rename(runtime+".away", runtime)); err != nil {
		t.Fatal(err)
	}
}

func TestEmptyWorksOnIncompleteInstance(t *testing.T) {
	m := newMachine(t)
	if err := os.RemoveAll(m.Files.Root.Runtime(m.Name)); err != nil {
		t.Fatal(err)
	}
	if err := m.Empty(t.Context(), m.Name); err != nil {
		t.Error(err)
	}
}
