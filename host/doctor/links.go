package doctor

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/host/steamcmd"
)

// steamcmdAndLinks looks for SteamCMD, and at the links by which servers find
// Steam's library; those it can mend.
func steamcmdAndLinks(_ context.Context, cfg Config) []finding {
	const name = "SteamCMD"
	tool, err := steamcmd.Find(cfg.SteamCMD, cfg.Root)
	c := ok(name, "%s", tool.Script)
	if public, told := left4me.Public(err); told {
		c = warn(name, public.Text, public.Hint)
	} else if err != nil {
		c = warn(name, err.Error(), "")
	}
	return append([]finding{{Check: c}}, links(cfg, tool))
}

// links is whether ~/.steam/sdk32 leads to the library by which a server speaks
// to Steam: without it a server runs and nobody finds it.
func links(cfg Config, tool steamcmd.Tool) finding {
	const name = "Steam's library"
	home, uid, gid, err := homeOf(cfg)
	if err != nil {
		return finding{Check: skipped(name, err.Error(), "")}
	}
	base := filepath.Join(cfg.Root, "installation", "base")
	if hasLibrary(home) {
		return finding{Check: ok(name, "%s leads to it", filepath.Join(home, ".steam", "sdk32"))}
	}
	if _, err := os.Stat(base); err != nil && tool.Script == "" {
		return finding{Check: skipped(name, "neither the game nor SteamCMD is here yet", "")}
	}
	return finding{
		Check: warn(name, fmt.Sprintf("%s does not lead to it: servers can run without Steam knowing them", filepath.Join(home, ".steam", "sdk32")),
			"`sudo left4me doctor --fix` makes the links"),
		fixed: "link Steam's libraries in " + filepath.Join(home, ".steam"),
		fix: func() error {
			if err := steamcmd.LinkSDK(home, tool, base); err != nil {
				return err
			}
			return give(home, uid, gid)
		},
	}
}

func hasLibrary(home string) bool {
	st, err := os.Stat(filepath.Join(home, ".steam", "sdk32", "steamclient.so"))
	return err == nil && st.Mode().IsRegular()
}

// homeOf is the home of the user that left4me runs as.
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

// give lets the user have the links that root made, who has to mend them later.
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
