// Command left4me manages Left 4 Dead 2 dedicated servers: `left4me serve` is
// the panel, the API and the agent of this machine, `left4me run` is the shim
// of one server, and the other commands do over the API what the panel does.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/cli"
	"github.com/left4me/left4me/internal/cli/apiclient"
	"github.com/left4me/left4me/internal/cli/output"
)

// version is set by the build: -ldflags "-X main.version=…".
var version string

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// From the first signal on the next one kills, should the end take too long.
	context.AfterFunc(ctx, stop)
	return output.Report(os.Stderr, command().ExecuteContext(ctx))
}

// command is the whole command line.
func command() *cobra.Command {
	root := cli.New(cli.Config{
		Target: apiclient.Target{
			URL:    os.Getenv("LEFT4ME_URL"),
			Token:  os.Getenv("LEFT4ME_TOKEN"),
			Socket: localSocket(),
			Advice: advice(os.Args[1:]),
		},
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, VerifyFile: verifyFile,
	})
	addRestore(root)
	root.AddCommand(setupCommand(), importCommand(), convertUpperCommand())
	root.AddCommand(serveCommand(), runCommand(), emptyCommand(), installCommand(), buildCommand(), decodeCommand(), doctorCommand(),
		debugCommand(),
		probeCommand(), vpkCommand(), versionCommand())
	return root
}

func noArguments(c *cobra.Command, args []string) error { return cli.NoArguments(c, args) }
