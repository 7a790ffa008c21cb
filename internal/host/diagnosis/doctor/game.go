package doctor

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/left4me/left4me/internal/host/gamefiles/game"
	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
)

// gameBuild checks the game build that servers start with.
func gameBuild(cfg Config) left4me.Check {
	builds, err := game.Load(filepath.Join(cfg.Root, "installation"))
	return judgeBuilds(cfg, builds, err)
}

func judgeBuilds(cfg Config, b game.Builds, err error) left4me.Check {
	const name = "game"
	if err != nil {
		return broken(name, err.Error(),
			"see that installation/ belongs to the user of left4me: "+cfg.Reader.AsRoot("left4me doctor --fix"))
	}
	now, there := b.Get(b.Current)
	if !there {
		return warn(name, "the game is not installed", cfg.local("left4me game install"))
	}
	text := "servers start with build " + fmt.Sprint(now.Build)
	if now.Build == game.UnknownBuild {
		text = "servers start with a build that Steam's manifest says nothing of"
	}
	if now.Version != "" {
		text += ", version " + now.Version
	}
	switch {
	case b.Rebuilt != "":
		return warn(name, text+", as the directories of installation/ say: "+b.Rebuilt,
			cfg.local("left4me game status")+" shows what there is; the next install or update writes it down again")
	case b.Outdated() && b.Pinned:
		return ok(name, "%s, and stay with it: Steam has a newer one", text)
	case b.Outdated():
		return warn(name, text+", and Steam has a newer one: players who have it can't join", cfg.local("left4me game update"))
	}
	return ok(name, "%s", text)
}

// programs checks whether the machine has the 32-bit libraries that Valve's programs need. The list
// of libraries comes from the programs themselves if they are installed.
func programs(cfg Config) left4me.Check {
	const name = "32-bit programs"
	var known int
	for _, runs := range []func(Config) (bool, error){steamcmdRuns, serverRuns} {
		there, err := runs(cfg)
		if public, told := left4me.Public(err); told {
			return warn(name, public.Text, public.Hint)
		} else if err != nil {
			return warn(name, err.Error(), cfg.local("left4me game verify")+" lays down what is damaged")
		}
		if there {
			known++
		}
	}
	if known > 0 {
		return ok(name, "all libraries are here that SteamCMD and the game's server need")
	}
	return loader(cfg)
}

// steamcmdRuns checks the libraries of SteamCMD's program.
func steamcmdRuns(cfg Config) (there bool, err error) {
	tool, err := steamcmd.Find(cfg.SteamCMD, cfg.Root)
	if err != nil || tool.Program() == "" {
		return false, nil // reported by another check
	}
	return true, tool.Libraries()
}

// serverRuns checks the libraries of the game's server, including those that the game provides.
func serverRuns(cfg Config) (there bool, err error) {
	const program = "srcds_linux"
	installation := game.Open(cfg.Root, -1)
	in := installation.LayerOf(program)
	stack, err := installation.Stack()
	if in == "" || err != nil {
		return false, nil // reported by another check
	}
	var beside []string
	for _, layer := range stack {
		beside = append(beside, layer, filepath.Join(layer, "bin"))
	}
	return true, steamcmd.Libraries("the game's server", filepath.Join(in, program), beside...)
}

// loader checks for the loader that every 32-bit program needs, if no program is installed yet.
func loader(cfg Config) left4me.Check {
	const name = "32-bit programs"
	if _, err := os.Stat("/lib/ld-linux.so.2"); err != nil {
		return warn(name, "the 32-bit loader is missing, without which neither SteamCMD nor the game's server start",
			cfg.Reader.Install("lib32gcc-s1"))
	}
	return ok(name, "can run")
}
