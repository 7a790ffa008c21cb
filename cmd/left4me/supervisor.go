package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/left4me/left4me/internal/host/agent"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/process"
	"github.com/left4me/left4me/internal/host/running/systemd"
)

const gameGroup = "left4me-game"

// supervisor returns the supervisor of the servers: systemd if left4me's units are installed, otherwise
// ordinary processes. group is the group that the game runs as, or -1 for our own user.
func supervisor(ctx context.Context, s settings, log *slog.Logger) (sup agent.Machine, group int, err error) {
	if s.supervisor != "process" {
		units := systemd.Config{Root: instance.Root(s.root), Run: s.run}
		err := systemd.Available(ctx, units)
		if err == nil {
			g, err := user.LookupGroup(gameGroup)
			if err != nil {
				return nil, 0, fmt.Errorf("systemd: %w", err)
			}
			gid, err := strconv.Atoi(g.Gid)
			if err != nil {
				return nil, 0, fmt.Errorf("systemd: group %s: %w", gameGroup, err)
			}
			sup, err := systemd.New(ctx, units)
			return sup, gid, err
		}
		if s.supervisor == "systemd" {
			return nil, 0, fmt.Errorf("LEFT4ME_SUPERVISOR: %w", err)
		}
		log.InfoContext(ctx, "servers run as processes of this user", "why", err)
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, 0, err
	}
	cfg := process.Config{Root: instance.Root(s.root), Run: s.run, Exe: exe}
	for name, path := range map[string]string{
		"LEFT4ME_CONFIG_DIR":      s.configDir,
		"LEFT4ME_SECRET_KEY_FILE": s.keyFile,
		"LEFT4ME_STEAMCMD":        s.steamcmd,
	} {
		if path == "" {
			continue
		}
		if path, err = filepath.Abs(path); err != nil {
			return nil, 0, err
		}
		cfg.Env = append(cfg.Env, name+"="+path) // used by runShim
	}
	return process.New(cfg), -1, nil
}

// shareSockets gives the game's group access to the directories that systemd creates for shims, without
// letting it list the parent directory. Under systemd, shims run in this group.
func shareSockets(run string, group int) error {
	if group < 0 {
		return nil
	}
	if err := os.Chown(run, -1, group); err != nil {
		return fmt.Errorf("LEFT4ME_RUN: %w: add the user left4me to the group %s", err, gameGroup)
	}
	if err := os.Chmod(run, 0o710); err != nil {
		return fmt.Errorf("LEFT4ME_RUN: %w", err)
	}
	return nil
}
