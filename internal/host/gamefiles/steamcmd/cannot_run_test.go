package steamcmd_test

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
)

// foreign returns a program for M68K, a processor that no test machine has.
func foreign(t *testing.T) string {
	t.Helper()
	head := make([]byte, 84) // file header and one program header
	copy(head, "\x7fELF\x01\x02\x01")
	put16, put32 := binary.BigEndian.PutUint16, binary.BigEndian.PutUint32
	put16(head[16:], 2) // ET_EXEC
	put16(head[18:], 4) // EM_68K
	put32(head[20:], 1)
	put32(head[28:], 52)
	put16(head[40:], 52)
	put16(head[42:], 32)
	put16(head[44:], 1)
	put32(head[52:], 1) // PT_LOAD
	return string(head)
}

// TestSteamCMDThatCannotRunFailsAtOnce runs programs that end before SteamCMD prints a line. It
// keeps the driver's default pauses, which add up to minutes: a retry would exceed the test's
// limit.
func TestSteamCMDThatCannotRunFailsAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		script, program string // program is run by script as "$PROGRAM"
		text            string
	}{
		"interpreter is missing":        {"#!/nonexistent/sh\n", "", "/nonexistent/sh"},
		"env finds no interpreter":      {"#!/usr/bin/env nonexistent-shell\n", "", "nonexistent-shell"},
		"another program interprets it": {"#!/bin/ls\n", "", "cannot access '+quit'"},
		"script without interpreter":    {"echo hello\n", "", "#!"},
		"empty script":                  {"#!/bin/sh\n", "", "exit code 0"},
		"wrapper ends without output":   {"#!/bin/sh\nexit 1\n", "", "exit code 1"},
		"wrapper ends with output": {
			"#!/bin/sh\necho first; echo 'proot: no such container'; exit 3\n", "",
			"proot: no such container",
		},
		"wrapper restarts endlessly":     {"#!/bin/sh\nexit 42\n", "", "exit code 42"},
		"program is missing":             {"#!/bin/sh\n\"$PROGRAM.gone\"\n", "", "not found"},
		"program for another processor":  {"#!/bin/sh\n\"$PROGRAM\"\n", foreign(t), ""},
		"program for another, by exec":   {"#!/bin/bash\nexec \"$PROGRAM\"\n", foreign(t), "cannot execute"},
		"program is empty":               {"#!/bin/sh\n\"$PROGRAM\"\n", " ", ""},
		"killed by a system call filter": {"#!/bin/sh\nkill -SYS $$\n", "", "bad system call"},
		"crash before the first line":    {"#!/bin/sh\nkill -SEGV $$\n", "", "segmentation fault"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.tool.Limits = steamcmd.Limits{Whole: 30 * time.Second}
			// The script is outside SteamCMD's own directory, so that the driver cannot read which
			// libraries SteamCMD needs.
			dir := t.TempDir()
			r.tool.Script = filepath.Join(dir, "wrapper.sh")
			write(t, r.tool.Script, strings.ReplaceAll(c.script, "$PROGRAM", filepath.Join(dir, "bin", "program")), 0o755)
			if c.program != "" {
				write(t, filepath.Join(dir, "bin", "program"), c.program, 0o755)
			}
			for what, run := range map[string]func() error{
				"update": func() error { _, err := r.run(t); return err },
				"latest": func() error { _, err := r.tool.Latest(t.Context(), steamcmd.App, ""); return err },
			} {
				began := time.Now()
				err := run()
				e, public := left4me.Public(err)
				if !public || !errors.Is(err, steamcmd.NotStarted) || !strings.Contains(strings.ToLower(e.Text), c.text) {
					t.Errorf("%s: %v\n%s", what, err, r.log())
				} else if !strings.Contains(e.Hint, "lib32gcc-s1") && !strings.Contains(e.Hint, "#!") {
					t.Errorf("%s: the hint names no remedy: %q", what, e.Hint)
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("%s took %s", what, took)
				}
			}
			if log := r.log(); strings.Contains(log, "trying again") {
				t.Errorf("SteamCMD was run again\n%s", log)
			}
		})
	}
}

const noExecVar = "STEAMCMD_TEST_NOEXEC"

// TestFindReportsNoexecMount mounts a file system with noexec in a user namespace of its own.
func TestFindReportsNoexecMount(t *testing.T) {
	if dir := os.Getenv(noExecVar); dir != "" {
		_, err := steamcmd.Find(filepath.Join(dir, "steamcmd.sh"), dir)
		if !errors.Is(err, left4me.Denied) || !strings.Contains(err.Error(), "noexec") {
			t.Errorf("Find: got %v", err)
		}
		outside := filepath.Join(t.TempDir(), "steamcmd.sh")
		write(t, outside, "#!/bin/sh\ncp /bin/true \"$HOME/program\" && \"$HOME/program\"\n", 0o755)
		_, err = steamcmd.Tool{Script: outside, Home: dir}.Latest(t.Context(), steamcmd.App, "")
		if e, ok := left4me.Public(err); !ok || !errors.Is(err, steamcmd.NotStarted) || !strings.Contains(e.Hint, "noexec") {
			t.Errorf("home on a noexec mount: got %v", err)
		}
		return
	}
	if out, err := exec.Command("unshare", "-rm", "true").CombinedOutput(); err != nil {
		t.Skipf("no user namespaces here: %v %s", err, out)
	}
	dir := t.TempDir()
	cmd := exec.Command("unshare", "-rm", "sh", "-ec", `
		mount -t tmpfs -o noexec tmpfs "$1"
		printf '#!/bin/sh\n' >"$1/steamcmd.sh"
		chmod 0755 "$1/steamcmd.sh"
		`+noExecVar+`="$1" exec "$2" -test.run='^TestFindReportsNoexecMount$'`, "sh", dir, os.Args[0])
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestSteamCMDWithoutTerminalIsStillStopped runs a program that closes its output and continues
// silently.
func TestSteamCMDWithoutTerminalIsStillStopped(t *testing.T) {
	r := newRig(t)
	write(t, r.tool.Script, "#!/bin/sh\necho 'Steam Console Client'\ntrap '' HUP\nexec >/dev/null 2>&1\nexec sleep 100\n", 0o755)
	r.tool.Limits.Silence = time.Second
	began := time.Now()
	if _, err := r.run(t); !errors.Is(err, steamcmd.Hung) {
		t.Errorf("got %v, want Hung", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the update took %s", took)
	}
}
