package main

import (
	"context"
	"fmt"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/host/instance"
	"github.com/left4me/left4me/host/overlayfs"
	"github.com/left4me/left4me/host/process"
	"github.com/left4me/left4me/host/systemd"
)

// emptyServer is `left4me empty NAME`, which left4me-empty@NAME runs as the user
// that the game runs as: it empties the server's writable layer. Why it doesn't
// goes into the status of the unit, where the agent finds it.
func emptyServer(ctx context.Context, root, run, name string) error {
	err := empty(ctx, root, run, name)
	if err != nil {
		systemd.Tell(err.Error())
	}
	return err
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
		return left4me.Errorf(left4me.Busy, fmt.Sprintf("the layers of %s are mounted", n), "stop it first")
	}
	return process.New(process.Config{Root: instance.Root(dir), Run: run}).Empty(ctx, n)
}
