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

// newAgent makes the agent of this machine. group is what the game runs as, or
// negative.
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

// hideFromGame hides this process where the game runs as a group of its own.
// SteamCMD runs as the same user: it shall not find the secret key in our
// environment, nor the database through our root directory. Where shims are our
// children it would keep them from their namespaces.
func hideFromGame(group int) error {
	if group < 0 {
		return nil
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide from other processes: %w", err)
	}
	return nil
}

// steamDir is where SteamCMD is that a setting names, with Steam's libraries.
func steamDir(s settings) string {
	if s.steamcmd == "" {
		return ""
	}
	return filepath.Dir(s.steamcmd)
}
