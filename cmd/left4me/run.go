package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/host/instance"
	"github.com/left4me/left4me/host/shim"
)

// runShim is `left4me run NAME`: the shim of one server. There is one for each
// server that runs, so it is kept small; and it opens nothing of the panel's.
func runShim(ctx context.Context, s settings, name string) error {
	n, err := left4me.ParseName(name)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(min(2, runtime.GOMAXPROCS(0)))
	debug.SetGCPercent(25)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return shim.Run(ctx, shim.Config{Root: instance.Root(s.root), Run: s.run, Name: n, Notify: os.Getenv("NOTIFY_SOCKET")})
}
