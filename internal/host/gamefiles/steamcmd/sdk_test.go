package steamcmd_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
)

// sdk is a directory with a SteamCMD, an installation and a home.
type sdk struct {
	home, installation string
	tool               steamcmd.Tool
}

func newSDK(t *testing.T, clients ...string) sdk {
	t.Helper()
	dir := t.TempDir()
	for _, c := range clients {
		write(t, filepath.Join(dir, c, "steamclient.so"), "\x7fELF", 0o644)
	}
	write(t, filepath.Join(dir, "steamcmd", "steamcmd.sh"), "#!/bin/sh\n", 0o755)
	return sdk{
		home: filepath.Join(dir, "home"), installation: filepath.Join(dir, "game"),
		tool: steamcmd.Tool{Script: filepath.Join(dir, "steamcmd", "steamcmd.sh")},
	}
}

func (s sdk) link(t *testing.T) {
	t.Helper()
	if err := steamcmd.LinkSDK(s.home, s.tool, s.installation); err != nil {
		t.Fatal(err)
	}
}

func (s sdk) points(t *testing.T, name, to string) {
	t.Helper()
	got, err := os.Readlink(filepath.Join(s.home, ".steam", name))
	if err != nil || got != filepath.Join(filepath.Dir(s.home), to) {
		t.Errorf("%s points at %s (%v), want %s", name, got, err, to)
	}
	if _, err := os.Stat(filepath.Join(s.home, ".steam", name, "steamclient.so")); err != nil {
		t.Error(err)
	}
}

func TestSDKLinksPointToSteamCMD(t *testing.T) {
	s := newSDK(t, "steamcmd/linux32", "steamcmd/linux64", "game/bin")
	s.link(t)
	s.points(t, "sdk32", "steamcmd/linux32")
	s.points(t, "sdk64", "steamcmd/linux64")
	before, err := os.Lstat(filepath.Join(s.home, ".steam", "sdk32"))
	if err != nil {
		t.Fatal(err)
	}
	s.link(t)
	if after, err := os.Lstat(filepath.Join(s.home, ".steam", "sdk32")); err != nil || !os.SameFile(before, after) {
		t.Errorf("a correct link was replaced (%v)", err)
	}
	entries, _ := os.ReadDir(filepath.Join(s.home, ".steam"))
	if len(entries) != 2 {
		t.Errorf("files left: %v", entries)
	}
}

func TestSDKLinksPointToGameWithoutSteamCMD(t *testing.T) {
	s := newSDK(t, "game/bin")
	s.link(t)
	s.points(t, "sdk32", "game/bin")
	s.points(t, "sdk64", "game/bin")
}

func TestSDKLinksAreRepaired(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"dangling":        func(p string) error { return os.Symlink("/nowhere", p) },
		"to itself":       func(p string) error { return os.Symlink("sdk32", p) },
		"to elsewhere":    func(p string) error { return os.Symlink("/etc", p) },
		"empty directory": func(p string) error { return os.Mkdir(p, 0o755) },
		"a file":          func(p string) error { return os.WriteFile(p, nil, 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSDK(t, "steamcmd/linux32")
			if err := os.MkdirAll(filepath.Join(s.home, ".steam"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := harm(filepath.Join(s.home, ".steam", "sdk32")); err != nil {
				t.Fatal(err)
			}
			s.link(t)
			s.points(t, "sdk32", "steamcmd/linux32")
		})
	}
}

func TestSDKDirectoryWithLibraryIsKept(t *testing.T) {
	s := newSDK(t, "steamcmd/linux32", "home/.steam/sdk32")
	s.link(t)
	if info, err := os.Lstat(filepath.Join(s.home, ".steam", "sdk32")); err != nil || !info.IsDir() {
		t.Errorf("got %v %v", info, err)
	}
}

// A server's game can write to its home directory.
func TestSDKLinksStayInsideHome(t *testing.T) {
	s := newSDK(t, "steamcmd/linux32")
	outside := t.TempDir()
	if err := errors.Join(os.MkdirAll(s.home, 0o755), os.Symlink(outside, filepath.Join(s.home, ".steam"))); err != nil {
		t.Fatal(err)
	}
	if err := steamcmd.LinkSDK(s.home, s.tool, s.installation); err == nil {
		t.Error("got no error")
	}
	if entries, _ := os.ReadDir(outside); len(entries) > 0 {
		t.Errorf("files were created outside: %v", entries)
	}
}

func TestLinkSDKWithoutLibrary(t *testing.T) {
	s := newSDK(t)
	if err := steamcmd.LinkSDK(s.home, s.tool, s.installation); !errors.Is(err, left4me.NotFound) {
		t.Errorf("got %v, want left4me.NotFound", err)
	}
}
