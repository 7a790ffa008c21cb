package steamcmd_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
)

func TestUpdateReportsFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small disk requires root")
	}
	r := newRig(t, "SIM_STEAM_ANONYMOUS=1", "SIM_STEAM_SIZE=40M")
	if err := unix.Mount("tmpfs", r.update.Dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(r.update.Dir, unix.MNT_DETACH) })
	_, err := r.run(t)
	e, ok := left4me.Public(err)
	if !ok || !errors.Is(err, steamcmd.DiskFull) || !strings.Contains(e.Text, "disk full: "+r.update.Dir) {
		t.Errorf("%v\n%s", err, r.log())
	}
}

func TestUpdateReportsUnwritableDirectories(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can write everywhere: run the test as an ordinary user")
	}
	r := newRig(t, "SIM_STEAM_ANONYMOUS=1")
	if err := os.Chmod(r.update.Dir, 0o555); err != nil {
		t.Fatal(err)
	}
	if _, err := r.run(t); !errors.Is(err, steamcmd.NotWritable) || !strings.Contains(err.Error(), "chown -R") {
		t.Errorf("directory: %v", err)
	}
	if err := os.Chmod(r.update.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	locked := filepath.Join(r.update.Dir, "left4dead2")
	if err := os.Mkdir(locked, 0o555); err != nil {
		t.Fatal(err)
	}
	if _, err := r.run(t); !errors.Is(err, steamcmd.NotWritable) || !strings.Contains(err.Error(), locked) {
		t.Errorf("subdirectory: %v", err)
	}
	r.tool.Home = "/proc/none"
	if _, err := r.run(t); !errors.Is(err, steamcmd.NotWritable) {
		t.Errorf("home: %v", err)
	}
}

func TestUpdateReportsUnusableScripts(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"no interpreter": {"#!/nowhere/sh\n", 0o755, "the interpreter /nowhere/sh named in its first line does not exist"},
		"no program":     {"\x7fELF, but truncated", 0o755, ""},
		"not executable": {"#!/bin/sh\n", 0o644, "permission to execute"},
		"no libraries": {
			"#!/bin/sh\necho \"$0: linux32/steamcmd: error while loading shared libraries: libstdc++.so.6\"\nexit 127\n",
			0o755, "libstdc++.so.6",
		},
		"kernel": {
			"#!/bin/sh\necho 'linux32/steamcmd: cannot execute binary file: Exec format error'\nexit 126\n", 0o755,
			"Exec format error",
		},
	} {
		script := filepath.Join(t.TempDir(), "steamcmd.sh")
		write(t, script, c.text, c.mode)
		r.tool.Script = script
		_, err := r.run(t)
		if _, ok := left4me.Public(err); err == nil || !ok && c.want != "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
