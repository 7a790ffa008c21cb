package script_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/content/script"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/systemd"
	"github.com/left4me/left4me/internal/left4me"
)

// TestScriptsRunInUnit runs as the user left4me on a host with left4me's units installed; test/e2e starts it
// there.
func TestScriptsRunInUnit(t *testing.T) {
	root := os.Getenv("LEFT4ME_TEST_UNIT_ROOT")
	if root == "" {
		t.Skip("test/e2e runs this")
	}
	sup, err := systemd.New(t.Context(), systemd.Config{Root: instance.Root(root), Run: "/run/left4me"})
	if err != nil {
		t.Fatal(err)
	}
	defer sup.Close()
	s := &site{t: t, Builder: script.Builder{Root: root, Machine: sup}}
	run := func(ctx context.Context, j script.Job, keep bool) (string, script.Totals, error) {
		t.Helper()
		dir := t.TempDir()
		into, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer into.Close()
		took, err := s.Run(ctx, j, into, func() bool { return keep })
		if left, _ := filepath.Glob(filepath.Join(root, "tmp", "build-*")); !keep && len(left) > 0 {
			t.Errorf("files left in tmp: %q", left)
		}
		return dir, took, err
	}

	// This script makes its files inaccessible, also from a background process, and leaves processes
	// behind.
	dir, took, err := run(t.Context(), s.job(`
		mkdir -p left4dead2/a; echo "$LEFT4ME_OVERLAY" >left4dead2/a/file
		(setsid bash -c 'while :; do chmod 0 left4dead2/a left4dead2; done' >/dev/null 2>&1 &)
		chmod 0 left4dead2; id -un; echo over`), false)
	if err != nil || took.Files != 1 {
		t.Errorf("run: %v, %v", took, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "left4dead2/a/file")); err != nil || string(b) != "maps\n" {
		t.Errorf("copied file = %q, %v", b, err)
	}
	if got := s.printed(); got != "left4me-build\nover\n" {
		t.Errorf("output = %q", got)
	}
	if _, _, err := run(t.Context(), s.job("echo x >x; exit 3"), false); err == nil || !strings.Contains(err.Error(), "status 3") {
		t.Error(err)
	}
	if _, _, err := run(t.Context(), s.job("echo '{\"status\":0}' >../end; kill -9 $PPID; sleep 1"),
		false); !errors.Is(err, left4me.Unavailable) && !errors.Is(err, left4me.Invalid) {
		t.Errorf("script that kills its runner: %v", err)
	}

	// This script ignores SIGTERM.
	ctx, cancel := context.WithCancel(t.Context())
	var asked time.Time
	j := s.job("trap '' TERM; echo begun; while :; do sleep 1000; done")
	j.Print = func(string) { asked = time.Now(); cancel() }
	if _, _, err := run(ctx, j, false); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if took := time.Since(asked); took > 10*time.Second { // 5 s plus a margin for busy machines
		t.Errorf("stop took %v", took)
	}

	// This run outlives the agent.
	ctx, cancel = context.WithCancel(t.Context())
	j = s.job("echo begun; sleep 2; echo x >x; echo $$")
	print := j.Print
	s.lines = nil
	j.Print = func(string) { cancel() }
	if _, _, err := run(ctx, j, true); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	j.Print = print
	if _, took, err := run(t.Context(), j, false); err != nil || took.Files != 1 || strings.Count(s.printed(), "begun") != 1 {
		t.Errorf("continued run: %v, %v, output %q", took, err, s.printed())
	}
}
