package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/host/content/sandbox"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/process"
	"github.com/left4me/left4me/internal/host/running/systemd"
	"github.com/left4me/left4me/internal/left4me"
)

// buildCommand is run by left4me-build@ID and by the process supervisor, which does the same work in
// stages. The exit status is that of the script, so that systemd records it; the reason for a missing
// status becomes the status of the unit.
func buildCommand() *cobra.Command {
	c := &cobra.Command{Use: "build ID", Short: "Run the script of an overlay", Hidden: true, Args: cobra.ExactArgs(1)}
	stage := c.Flags().String("stage", "", "stage without a unit: watch, enter, run")
	c.RunE = func(c *cobra.Command, args []string) error {
		systemd.OutliveLog()
		root, run, err := directories(os.Getenv)
		status := 0
		if err == nil {
			status, err = runBuild(c.Context(), root, run, *stage, args[0])
		}
		if err != nil {
			systemd.Tell(err.Error())
			return err
		}
		os.Exit(status)
		return nil
	}
	return c
}

func runBuild(ctx context.Context, root, run, stage, id string) (status int, err error) {
	n, err := left4me.ParseName(id)
	if err != nil {
		return 0, err
	}
	switch stage {
	case process.WatchStage:
		return 0, process.WatchBuild(ctx, root, run, n)
	case process.EnterStage:
		return 0, process.EnterBuild(instance.Root(root), run, n)
	case process.RunStage:
		process.EndWithWatcher()
	case "":
	default:
		return 0, fmt.Errorf("unknown stage %q", stage)
	}
	end := sandbox.Main(ctx, sandbox.Dir(root, n))
	if end.Error != nil {
		return 0, end.Error
	}
	return end.Status, nil
}
