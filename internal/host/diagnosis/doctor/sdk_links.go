package doctor

import (
	"context"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/left4me/left4me/internal/host/gamefiles/game"
	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
)

// steamcmdAndLinks checks SteamCMD and the links to Steam's libraries. The links can be repaired.
func steamcmdAndLinks(_ context.Context, cfg Config) []finding {
	const name = "SteamCMD"
	tool, err := steamcmd.Find(cfg.SteamCMD, cfg.Root)
	c := left4me.NewCheck(left4me.CheckOK, name, "steamcmd.found", "path", tool.Script)
	if public, told := left4me.Public(err); told && public.Kind == left4me.NotFound && cfg.SteamCMD == "" {
		c = left4me.NewCheck(left4me.CheckSkipped, name, "steamcmd.not_installed", "reason", public)
	} else if err != nil {
		c = left4me.NewCheck(left4me.CheckWarn, name, "steamcmd.failed", "reason", left4me.ReasonOf(err))
	}
	return append([]finding{{Check: c}}, links(cfg, tool))
}

// links checks for the library that connects a server to Steam; without it, a server runs but Steam
// does not list it. Each server gets links to the library when it starts. The links in the home of
// left4me's user serve servers that people start by hand.
func links(cfg Config, tool steamcmd.Tool) finding {
	const name = "Steam's library"
	home, uid, gid, err := homeOf(cfg)
	if err != nil {
		return finding{Check: left4me.NewCheck(left4me.CheckSkipped, name, "sdk.no_home", "reason", err)}
	}
	holding := game.Open(cfg.Root, -1).LayerOf("bin/steamclient.so")
	if hasLibrary(home) {
		return finding{Check: left4me.NewCheck(left4me.CheckOK, name, "sdk.linked", "path", filepath.Join(home, ".steam", "sdk32"))}
	}
	if holding == "" && tool.Script == "" {
		return finding{Check: left4me.NewCheck(left4me.CheckSkipped, name, "sdk.nothing_installed")}
	}
	if !steamcmd.HasSDK(tool, holding) {
		return finding{
			Check: left4me.NewCheck(left4me.CheckWarn, name, "sdk.missing", "command", cfg.local("left4me game verify")),
		}
	}
	return finding{
		Check: left4me.NewCheck(left4me.CheckOK, name, "sdk.linked_at_start"),
		fixed: "link Steam's libraries in " + filepath.Join(home, ".steam"),
		fix: func() error {
			if err := steamcmd.LinkSDK(home, tool, holding); err != nil {
				return err
			}
			return give(home, uid, gid)
		},
	}
}

func hasLibrary(home string) bool {
	st, err := os.Stat(filepath.Join(home, ".steam", "sdk32", "steamclient.so"))
	return err == nil && st.Mode().IsRegular() && st.Size() > 0
}

// homeOf returns the home directory of the user that left4me runs as.
func homeOf(cfg Config) (home string, uid, gid int, err error) {
	if !cfg.Packaged {
		home, err := os.UserHomeDir()
		return home, os.Geteuid(), os.Getegid(), err
	}
	u, err := user.Lookup("left4me")
	if err != nil {
		return "", 0, 0, err
	}
	if uid, err = strconv.Atoi(u.Uid); err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	return u.HomeDir, uid, gid, err
}

// give makes the user the owner of links created by root, so that the user can repair them later.
func give(home string, uid, gid int) error {
	if os.Geteuid() == uid {
		return nil
	}
	root, err := os.OpenRoot(home)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range []string{".steam", ".steam/sdk32", ".steam/sdk64"} {
		if err := root.Lchown(name, uid, gid); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
