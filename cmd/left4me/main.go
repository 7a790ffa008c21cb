// Command left4me manages Left 4 Dead 2 dedicated servers. `left4me serve` runs the panel, the API and
// the agent of this host, and `left4me run` is the shim of one server. The other commands use the API.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/cli"
	"github.com/left4me/left4me/internal/cli/apiclient"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// version is set by the build: -ldflags "-X main.version=…".
var version string

func main() { os.Exit(run()) }

func run() int {
	bus.StopSampling()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal, the next one kills the process in case the shutdown takes too long.
	context.AfterFunc(ctx, stop)
	return output.Report(os.Stderr, command().ExecuteContext(ctx))
}

// command returns the root of the command line.
func command() *cobra.Command {
	root := cli.New(cli.Config{
		Target: apiclient.Target{
			URL:    os.Getenv("LEFT4ME_URL"),
			Token:  os.Getenv("LEFT4ME_TOKEN"),
			Socket: localSocket(),
			Advice: advice(os.Args[1:]),
		},
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Host: left4me.LocalHost, VerifyFile: verifyFile,
	})
	addRestore(root)
	root.AddCommand(setupCommand(), importCommand(), convertUpperCommand())
	root.AddCommand(serveCommand(), runCommand(), emptyCommand(), installCommand(), buildCommand(), decodeCommand(), doctorCommand(),
		debugCommand(),
		probeCommand(), vpkCommand(), versionCommand())
	return root
}

func noArguments(c *cobra.Command, args []string) error { return cli.NoArguments(c, args) }

func versionCommand() *cobra.Command {
	c := &cobra.Command{Use: "version", Short: "Print the version", Args: noArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		if asJSON, _ := c.Flags().GetBool("json"); asJSON {
			return json.NewEncoder(c.OutOrStdout()).Encode(map[string]any{
				"version": programVersion(),
				"go":      runtime.Version(),
				"schema":  store.Schema(),
			})
		}
		_, err := fmt.Fprintln(c.OutOrStdout(), programVersion())
		return err
	}
	return c
}

// programVersion returns the version set by the build, or else the module version.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
