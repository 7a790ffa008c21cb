package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/host/gamefiles/install"
	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/systemd"
	"github.com/left4me/left4me/internal/left4me"
)

// installCommand is run by left4me-install.service, or by the agent without systemd: it runs SteamCMD
// and outlives the agent. The reason of a failure becomes the status of the unit, which the agent reads
// if it finds no other information.
func installCommand() *cobra.Command {
	return &cobra.Command{
		Use: "install-game", Short: "Run SteamCMD for a request of left4me", Hidden: true, Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			systemd.OutliveLog()
			root, run, err := directories(os.Getenv)
			if err == nil {
				err = installGame(c.Context(), root, run)
			}
			if err != nil {
				systemd.Tell(err.Error())
			}
			return err
		},
	}
}

func installGame(ctx context.Context, root, run string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg := install.Config{
		Root: instance.Root(root), Run: run,
		Account: steamcmd.Account{
			User:     os.Getenv("LEFT4ME_STEAM_USER"),
			Password: os.Getenv("LEFT4ME_STEAM_PASSWORD"),
			Guard:    os.Getenv("LEFT4ME_STEAM_GUARD"),
		},
	}
	err := install.Run(ctx, cfg)
	if ctx.Err() != nil && err != nil {
		err = left4me.NewError(left4me.Unavailable, "install.interrupted").Because(err)
	}
	return err
}
