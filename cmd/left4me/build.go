package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/host/build"
	"github.com/left4me/left4me/host/systemd"
)

// buildCommand is for left4me-build@ID. Its exit status is the script's, so that
// systemd keeps it; why there is none goes into the status of the unit.
func buildCommand() *cobra.Command {
	return &cobra.Command{
		Use: "build ID", Short: "Run the script of an overlay", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			root, _, err := directories(os.Getenv)
			status := 0
			if err == nil {
				status, err = runBuild(c.Context(), root, args[0])
			}
			if err != nil {
				systemd.Tell(err.Error())
				return err
			}
			os.Exit(status)
			return nil
		},
	}
}

func runBuild(ctx context.Context, root, id string) (status int, err error) {
	n, err := left4me.ParseName(id)
	if err != nil {
		return 0, err
	}
	return build.Run(ctx, filepath.Join(root, "tmp", "build-"+string(n)))
}
