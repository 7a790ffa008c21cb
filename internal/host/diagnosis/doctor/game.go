package doctor

import (
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
		return left4me.NewCheck(left4me.CheckBroken, name, "game.unreadable", "reason", left4me.ReasonOf(err),
			"command", cfg.Reader.AsRoot("left4me doctor --fix"))
	}
	now, there := b.Get(b.Current)
	if !there {
		return left4me.NewCheck(left4me.CheckWarn, name, "game.not_installed", "command", cfg.local("left4me game install"))
	}
	var build any = now.Build
	if now.Build == game.UnknownBuild {
		build = left4me.NewError(left4me.NotFound, "game.build_without_manifest")
	}
	switch {
	case b.Rebuilt != "":
		return left4me.NewCheck(left4me.CheckWarn, name, "game.rebuilt", "reason", b.Rebuilt, "build", build, "version", now.Version,
			"command", cfg.local("left4me game status"))
	case b.Outdated() && b.Pinned:
		return left4me.NewCheck(left4me.CheckOK, name, "game.pinned", "build", build, "version", now.Version)
	case b.Outdated():
		return left4me.NewCheck(left4me.CheckWarn, name, "game.outdated", "build", build, "version", now.Version,
			"command", cfg.local("left4me game update"))
	}
	return left4me.NewCheck(left4me.CheckOK, name, "game.ok", "build", build, "version", now.Version)
}

// programs checks whether the machine has the 32-bit libraries that Valve's programs need. The list
// of libraries comes from the programs themselves if they are installed.
func programs(cfg Config) left4me.Check {
	const name = "32-bit programs"
	var known int
	for _, runs := range []func(Config) (bool, error){steamcmdRuns, serverRuns} {
		there, err := runs(cfg)
		if public, told := left4me.Public(err); told {
			return left4me.NewCheck(left4me.CheckWarn, name, "libraries.missing", "reason", public)
		} else if err != nil {
			return left4me.NewCheck(left4me.CheckWarn, name, "libraries.unreadable", "reason", err, "command",
				cfg.local("left4me game verify"))
		}
		if there {
			known++
		}
	}
	if known > 0 {
		return left4me.NewCheck(left4me.CheckOK, name, "libraries.ok")
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
		return left4me.NewCheck(left4me.CheckWarn, name, "libraries.no_loader", "command", cfg.Reader.Install("lib32gcc-s1"))
	}
	return left4me.NewCheck(left4me.CheckOK, name, "libraries.loader_ok")
}
