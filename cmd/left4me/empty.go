package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/overlayfs"
	"github.com/left4me/left4me/internal/host/running/process"
	"github.com/left4me/left4me/internal/host/running/systemd"
	"github.com/left4me/left4me/internal/left4me"
)

// emptyCommand is run by left4me-empty@NAME as the game's user. The reason of a failure becomes the
// status of the unit, where the agent reads it.
func emptyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "empty NAME", Short: "Empty the writable layer of a server", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			root, run, err := directories(os.Getenv)
			if err == nil {
				err = empty(c.Context(), root, run, args[0])
			}
			if err != nil {
				systemd.Tell(err.Error())
			}
			return err
		},
	}
}

func empty(ctx context.Context, dir, run, name string) error {
	n, err := left4me.ParseName(name)
	if err != nil {
		return err
	}
	root, err := overlayfs.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	mounted, err := root.Mounted(n)
	if err != nil {
		return fmt.Errorf("empty %s: %w", n, err)
	}
	if mounted {
		return left4me.NewError(left4me.Busy, "server.layers_mounted", "server", n)
	}
	as := process.New(process.Config{Root: instance.Root(dir), Run: run})
	paths, only, err := instance.Root(dir).ReadDiscard(n)
	if err != nil {
		return fmt.Errorf("empty %s: %w", n, err)
	}
	if only {
		return as.Discard(ctx, n, paths)
	}
	return as.Empty(ctx, n)
}
