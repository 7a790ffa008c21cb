package doctor

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/gamefiles/game"
	"github.com/left4me/left4me/internal/left4me"
)

func TestCurrentBuildIsChecked(t *testing.T) {
	builds := func(change func(*game.Builds)) game.Builds {
		b := game.Builds{
			Current: 22,
			Builds: []game.Build{
				{Build: 22, Version: "2.2.4.3", Layers: []string{"update-22", "base"}},
				{Build: 21, Layers: []string{"base"}},
			},
		}
		change(&b)
		return b
	}
	for what, tt := range map[string]struct {
		builds game.Builds
		err    error
		state  left4me.CheckState
		text   string
	}{
		"none": {game.Builds{}, nil, left4me.CheckWarn, "not installed"},
		"newest build": {
			builds(func(b *game.Builds) { b.Latest, b.Required = 22, "2243" }), nil, left4me.CheckOK,
			"build 22, version 2.2.4.3",
		},
		"older build":   {builds(func(b *game.Builds) { b.Latest = 23 }), nil, left4me.CheckWarn, "Steam has a newer game build"},
		"older version": {builds(func(b *game.Builds) { b.Required = "2244" }), nil, left4me.CheckWarn, "Steam has a newer game build"},
		"pinned build":  {builds(func(b *game.Builds) { b.Latest, b.Pinned = 23, true }), nil, left4me.CheckOK, "stay with it"},
		"rebuilt": {
			builds(func(b *game.Builds) { b.Rebuilt = "builds.json is damaged" }), nil, left4me.CheckWarn,
			"builds.json is damaged",
		},
		"unknown build": {
			game.Builds{Current: game.UnknownBuild, Builds: []game.Build{{Build: game.UnknownBuild}}},
			nil, left4me.CheckOK,
			"manifest",
		},
		"unreadable": {game.Builds{}, errors.New("permission denied"), left4me.CheckBroken, "permission denied"},
	} {
		c := judgeBuilds(Config{}, tt.builds, tt.err)
		if c.State != tt.state || !strings.Contains(c.Text, tt.text) || (c.Mend == "") != (tt.state == left4me.CheckOK) {
			t.Errorf("%s: %+v, want %s with %q", what, c, tt.state, tt.text)
		}
	}
}

// lay writes executable files under a root.
func lay(t *testing.T, root string, files map[string][]byte) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBuildWithoutBaseLayerIsInstalled(t *testing.T) {
	root := t.TempDir()
	lay(t, root,
		map[string][]byte{
			"installation/update-22/srcds_linux": nil,
			"installation/builds.json": []byte(
				`{"v":1,"current":22,"builds":[{"build":22,"version":"2.2.4.3","layers":["update-22"]}]}`),
		})
	if c := gameBuild(Config{Root: root}); c.State != left4me.CheckOK || !strings.Contains(c.Text, "build 22") {
		t.Errorf("got %+v", c)
	}
}

// programWithoutLoader returns a 32-bit program whose loader exists on no machine.
func programWithoutLoader(t *testing.T) []byte {
	t.Helper()
	const loader = "/lib/no-such-loader.so.2\x00"
	const start = 52 + 32 // offset of the data after the two headers
	h := elf.Header32{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS32), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_386), Version: uint32(elf.EV_CURRENT), Phoff: 52, Ehsize: 52, Phentsize: 32,
		Phnum: 1,
	}
	p := elf.Prog32{Type: uint32(elf.PT_INTERP), Off: start, Filesz: uint32(len(loader)), Memsz: uint32(len(loader))}
	var b bytes.Buffer
	for _, part := range []any{h, p, []byte(loader)} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestLibrariesOfProgramsAreChecked(t *testing.T) {
	ours, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	cfg := Config{Root: root}
	if c := programs(cfg); c.Code != loader(cfg).Code {
		t.Errorf("nothing installed: %+v", c)
	}
	lay(t, root, map[string][]byte{"installation/base/srcds_linux": ours})
	if c := programs(cfg); c.State != left4me.CheckOK || !strings.Contains(c.Text, "game server") {
		t.Errorf("working server: %+v", c)
	}
	lay(t, root, map[string][]byte{"installation/base/srcds_linux": programWithoutLoader(t)})
	if c := programs(cfg); c.State != left4me.CheckWarn ||
		!strings.Contains(c.Text,
			"the game's server requires 32-bit libraries that are not installed on this host: /lib/no-such-loader.so.2") ||
		!strings.Contains(c.Mend, "libc6-i386") {
		t.Errorf("server without its loader: %+v", c)
	}
	lay(t, root, map[string][]byte{
		"installation/base/srcds_linux": ours, "steam/steamcmd/linux32/steamcmd": programWithoutLoader(t),
		"steam/steamcmd/steamcmd.sh": []byte("#!/bin/sh\n"),
	})
	if c := programs(cfg); c.State != left4me.CheckWarn || !strings.Contains(c.Text, "SteamCMD requires 32-bit") {
		t.Errorf("SteamCMD without its loader: %+v", c)
	}
}

// The owner of the game's files may replace a program with a pipe, which must not block the check.
func TestGameChecksDoNotBlockOnPipes(t *testing.T) {
	root := t.TempDir()
	lay(t, root,
		map[string][]byte{
			"installation/base/left4dead2/x": nil,
			"steam/steamcmd/steamcmd.sh":     []byte("#!/bin/sh\n"),
			"steam/steamcmd/linux32/x":       nil,
		})
	for _, name := range []string{
		"installation/base/srcds_linux", "installation/base/left4dead2/steam.inf",
		"steam/steamcmd/linux32/steamcmd",
	} {
		if err := unix.Mkfifo(filepath.Join(root, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan left4me.Check, 1)
	go func() {
		gameBuild(Config{Root: root})
		done <- programs(Config{Root: root})
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the check blocks on a pipe")
	}
}
