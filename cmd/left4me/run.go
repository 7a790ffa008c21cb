package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/host/running/systemd"
	"github.com/left4me/left4me/internal/left4me"
)

// runShim implements `left4me run NAME`, the shim of one server. There is one per running server, so it
// must use little memory; it opens no data of the panel.
func runShim(ctx context.Context, s settings, name string) error {
	n, err := left4me.ParseName(name)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(min(2, runtime.GOMAXPROCS(0)))
	debug.SetGCPercent(25)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	cfg := shim.Config{Root: instance.Root(s.root), Run: s.run, Name: n, Notify: os.Getenv("NOTIFY_SOCKET")}
	for _, setting := range []string{"LEFT4ME_CONFIG_DIR", "LEFT4ME_SECRET_KEY_FILE"} {
		if path := os.Getenv(setting); path != "" {
			cfg.Hide = append(cfg.Hide, path)
		}
	}
	if steam := os.Getenv("LEFT4ME_STEAMCMD"); steam != "" {
		cfg.Show = []string{filepath.Join(filepath.Dir(steam), "linux32"), filepath.Join(filepath.Dir(steam), "linux64")}
	}
	return shim.Run(ctx, cfg)
}

// runCommand is run by supervisors, which set the environment.
func runCommand() *cobra.Command {
	return &cobra.Command{
		Use: "run NAME", Short: "Run the shim of a server", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			systemd.OutliveLog()
			root, run, err := directories(os.Getenv)
			if err != nil {
				return err
			}
			return runShim(c.Context(), settings{root: root, run: run}, args[0])
		},
	}
}
