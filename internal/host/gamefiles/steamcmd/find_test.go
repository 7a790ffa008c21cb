package steamcmd_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
)

func TestFindPrefersSetting(t *testing.T) {
	root := t.TempDir()
	own, fetched := filepath.Join(root, "own.sh"), filepath.Join(root, "steam/steamcmd/steamcmd.sh")
	write(t, own, "#!/bin/sh\n", 0o755)
	write(t, fetched, "#!/bin/sh\n", 0o755)
	for setting, want := range map[string]string{own: own, "": fetched} {
		tool, err := steamcmd.Find(setting, root)
		if err != nil || tool.Script != want || tool.Home != filepath.Join(root, "steam/home") {
			t.Errorf("with %q: %+v, %v", setting, tool, err)
		}
	}
}

func TestFindReportsUnusableSetting(t *testing.T) {
	root := t.TempDir()
	plain := filepath.Join(root, "plain.sh")
	write(t, plain, "#!/bin/sh\n", 0o644)
	for setting, want := range map[string]struct {
		kind left4me.Kind
		text string
	}{
		filepath.Join(root, "none.sh"): {left4me.NotFound, "LEFT4ME_STEAMCMD"},
		plain:                          {left4me.Denied, "chmod +x"},
		root:                           {left4me.Denied, "is not a file"},
	} {
		_, err := steamcmd.Find(setting, root)
		if !errors.Is(err, want.kind) || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: got %v", setting, err)
		}
	}
}

func TestFindReportsOtherOwner(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can write everywhere: run the test as an ordinary user")
	}
	root := t.TempDir()
	write(t, filepath.Join(root, "steam/steamcmd/steamcmd.sh"), "#!/bin/sh\n", 0o755)
	write(t, filepath.Join(root, "steam/steamcmd/linux32/steamcmd"), "\x7fELF", 0o555)
	_, err := steamcmd.Find("", root)
	if !errors.Is(err, left4me.Denied) || !strings.Contains(err.Error(), "chown") {
		t.Errorf("got %v", err)
	}
}
