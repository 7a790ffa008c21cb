//go:build steamcmd

package steamcmd

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
)

// cutOff returns the real SteamCMD with a home directory of its own.
func cutOff(t *testing.T) steamcmd.Tool {
	t.Helper()
	script := os.Getenv("LEFT4ME_REAL_STEAMCMD")
	if script == "" {
		t.Fatal("LEFT4ME_REAL_STEAMCMD is not set: run script/test-steamcmd")
	}
	if c, err := net.DialTimeout("udp", "192.0.2.1:9", time.Second); err == nil {
		c.Close()
		t.Fatal("the network is reachable: run script/test-steamcmd")
	}
	tool, err := steamcmd.Find(script, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tool.Limits = steamcmd.Limits{Silence: 2 * time.Minute, Pause: 10 * time.Millisecond, Tries: 2}
	return tool
}

func TestRealSteamCMDReportsMissingNetwork(t *testing.T) {
	tool, dir := cutOff(t), t.TempDir()
	var lines []string
	_, err := tool.Update(t.Context(), steamcmd.Update{Dir: dir}, func(e steamcmd.Event) {
		if e.Line != "" {
			lines = append(lines, e.Line)
		}
	})
	e, ok := left4me.Public(err)
	if !ok || !errors.Is(err, steamcmd.Offline) || !strings.HasPrefix(e.Text, "SteamCMD could not reach Steam") {
		t.Errorf("got error %v", err)
	}
	log := strings.Join(lines, "\n")
	if !strings.Contains(log, "Steamcmd needs to be online to update") {
		t.Error("the error lacks SteamCMD's own output")
	}
	t.Logf("the run ended with: %v\n%s", err, log)
	if _, err := steamcmd.Judge(dir, steamcmd.App); err == nil {
		t.Error("the game is reported as installed")
	}
	if _, err := os.Stat(filepath.Join(tool.Home, "Steam", "logs")); err != nil {
		t.Errorf("SteamCMD did not use the given home: %v", err)
	}
}

func TestRealSteamCMDFindsNoBuildWithoutNetwork(t *testing.T) {
	if build, err := cutOff(t).Latest(t.Context(), steamcmd.App, ""); !errors.Is(err, steamcmd.Offline) || build != 0 {
		t.Errorf("got %d, error %v", build, err)
	}
}

func TestRealSteamCMDReportsMissingLibraries(t *testing.T) {
	program := os.Getenv("LEFT4ME_REAL_STEAMCMD_PROGRAM")
	err := steamcmd.Libraries("SteamCMD", program)
	if err == nil {
		t.Skip("this host has all libraries that SteamCMD needs")
	}
	if !strings.Contains(err.Error(), "SteamCMD requires 32-bit libraries that are not installed on this host: /lib/ld-linux.so.2") ||
		!strings.Contains(err.Error(), "libc6-i386") {
		t.Errorf("got error %v", err)
	}
	t.Log(err)
}

// TestRealSteamCMDReportsMissingLoader starts the program with a shell, without the loader or the
// processor that it needs.
func TestRealSteamCMDReportsMissingLoader(t *testing.T) {
	program := os.Getenv("LEFT4ME_REAL_STEAMCMD_PROGRAM")
	if steamcmd.Libraries("SteamCMD", program) == nil {
		t.Skip("this host has all libraries that SteamCMD needs")
	}
	script := filepath.Join(t.TempDir(), "wrapper.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"+program+" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := steamcmd.Tool{Script: script, Home: t.TempDir()}.Update(t.Context(), steamcmd.Update{Dir: t.TempDir()}, nil)
	if e, ok := left4me.Public(err); !ok || !errors.Is(err, steamcmd.NotStarted) || !strings.Contains(e.Text, "its last lines: ") ||
		!strings.Contains(e.Hint, "lib32gcc-s1") {
		t.Errorf("got error %v", err)
	}
	t.Log(err)
}
