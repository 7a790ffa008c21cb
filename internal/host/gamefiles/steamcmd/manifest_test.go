package steamcmd_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/sim/installation"
)

// write writes a file and creates its parent directories.
func write(tb testing.TB, path, text string, mode os.FileMode) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	// A child process forked by another test at this moment would hold the file open for writing
	// until it calls exec, and the kernel does not execute such a file (go.dev/issue/22315).
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte(text), mode)
	syscall.ForkLock.RUnlock()
	if err != nil {
		tb.Fatal(err)
	}
}

func manifestOf(dir string) string {
	return filepath.Join(dir, "steamapps", "appmanifest_222860.acf")
}

func TestManifestKeysIgnoreCase(t *testing.T) {
	dir := t.TempDir()
	write(t, manifestOf(dir), `"appstate"
{
	"StateFLAGS"		"1542"
	"AppID"		"222860"
	"NAME"		"Left 4 Dead 2 Dedicated Server"
	"BuildID"		"15800123"
	"targetbuildid"		"15900000"
	"sizeondisk"		"9663676416"
	"lastupdated"		"1764000000"
	"userconfig" { "betakey" "public" }
}
`, 0o644)
	got, err := steamcmd.ReadManifest(dir, steamcmd.App)
	if err != nil {
		t.Fatal(err)
	}
	want := steamcmd.Manifest{
		App: 222860, Name: "Left 4 Dead 2 Dedicated Server", Build: 15800123, Target: 15900000, StateFlags: 0x606,
		SizeOnDisk: 9663676416, LastUpdated: time.Unix(1764000000, 0).UTC(),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReadManifestRejectsInvalidFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty":           "",
		"zeros":           strings.Repeat("\x00", 4096),
		"of another app":  `"AppState" { "appid" "550" "buildid" "1" }`,
		"not a number":    `"AppState" { "appid" "222860" "buildid" "many" }`,
		"negative":        `"AppState" { "appid" "222860" "buildid" "-1" }`,
		"endless nesting": strings.Repeat(`"a" {`, 100000),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, manifestOf(dir), text, 0o644)
			if _, err := steamcmd.ReadManifest(dir, steamcmd.App); !errors.Is(err, left4me.Invalid) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := steamcmd.ReadManifest(t.TempDir(), steamcmd.App); !errors.Is(err, left4me.NotFound) {
		t.Errorf("missing manifest: %v", err)
	}
}

func TestJudgeListsMissingFiles(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	whole := func(t *testing.T) string {
		dir := t.TempDir()
		if err := installation.Lay(dir, installation.Options{Files: 1, Server: exe, BuildID: 77}); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	m, err := steamcmd.Judge(whole(t), steamcmd.App)
	if err != nil || m.Build != 77 {
		t.Fatalf("complete installation: build %d, %v", m.Build, err)
	}
	for name, c := range map[string]struct {
		harm func(dir string) error
		want string
	}{
		"no start script": {func(d string) error { return os.Remove(filepath.Join(d, "srcds_run")) }, "the file srcds_run is missing"},
		"no manifest":     {func(d string) error { return os.Remove(manifestOf(d)) }, "the file appmanifest_222860.acf is missing"},
		"not executable": {
			func(d string) error { return os.Chmod(filepath.Join(d, "srcds_run"), 0o644) },
			"srcds_run is not executable",
		},
		"a Windows program": {
			func(d string) error { return replace(filepath.Join(d, "srcds_linux"), "MZ\x90") },
			"not a Linux program",
		},
		"an empty program": {func(d string) error { return replace(filepath.Join(d, "srcds_linux"), "") }, "srcds_linux is empty"},
		"update pending": {func(d string) error {
			return replace(manifestOf(d), `"AppState" { "appid" "222860" "buildid" "77" "StateFlags" "6" }`)
		}, "state 0x6"},
		"no build": {func(d string) error {
			return replace(manifestOf(d), `"AppState" { "appid" "222860" "StateFlags" "4" }`)
		}, "contains no build number"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := whole(t)
			if err := c.harm(dir); err != nil {
				t.Fatal(err)
			}
			_, err := steamcmd.Judge(dir, steamcmd.App)
			if e, ok := left4me.Public(err); !ok || !strings.Contains(e.Text, c.want) || e.Hint == "" {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// replace writes a file again. It removes the old file first, which may have other hard links.
func replace(path, text string) error {
	return errors.Join(os.Remove(path), os.WriteFile(path, []byte(text), 0o755))
}
