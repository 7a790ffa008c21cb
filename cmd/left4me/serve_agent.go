package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/agent"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// newAgent creates the agent of this host. group is the group that the game runs as, or negative.
func newAgent(s settings, d data, machine agent.Machine, group int, log *slog.Logger) (*agent.Agent, error) {
	decode, err := decoder()
	if err != nil {
		return nil, err
	}
	return agent.New(agent.Config{
		Host: left4me.LocalHost, Files: instance.Files{Root: instance.Root(s.root), Group: group, SteamCMD: steamDir(s)}, Sockets: s.run,
		Version: programVersion(), BootID: agent.BootID(),
		Steam:    agent.SteamConfig{Tool: s.steamcmd, URL: s.steamcmdURL, API: s.steamAPI, Home: os.Getenv("HOME")},
		Settings: s.configDir, Downloads: s.downloads, GitHub: s.githubAPI, Decoder: decode,
		Doctor: func(ctx context.Context) []left4me.Check { return checkMachine(ctx, s) }, PublicAddress: s.publicAddress,
		Relieve: d.reserve.Release,
	}, machine, d.bus, log)
}

// hideFromGame protects this process from others if the game runs as a group of its own. SteamCMD runs
// as the same user as left4me: it must not read the secret key in our environment, nor reach the
// database through our root directory. If shims are our children, the protection would prevent them
// from creating their namespaces.
func hideFromGame(group int) error {
	if group < 0 {
		return nil
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide from other processes: %w", err)
	}
	return nil
}

// steamDir returns the directory of the SteamCMD named in the settings, which contains Steam's
// libraries.
func steamDir(s settings) string {
	if s.steamcmd == "" {
		return ""
	}
	return filepath.Dir(s.steamcmd)
}
