package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
)

// New makes the command left4me with everything that goes over the API. It
// prints no errors: Report does, of what Execute returns.
func New(cfg Config) *cobra.Command {
	a := &app{Config: cfg, ownToken: cfg.Token}
	a.RequestID = requestid.New() // one for a command, however often it asks
	root := group("left4me", "Manage Left 4 Dead 2 dedicated servers")
	root.Long = `left4me manages Left 4 Dead 2 dedicated servers.

On the machine that left4me serve runs on, its own user and root need nothing
else. From elsewhere, LEFT4ME_URL says where it is and LEFT4ME_TOKEN who you are.`
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(cfg.In)
	root.SetOut(cfg.Out)
	root.SetErr(cfg.Err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return left4me.NewError(left4me.Invalid, "usage.failed", "command", name(c), "reason", err, "help", c.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.URL, "url", cfg.URL, "where left4me is (LEFT4ME_URL); without it, on this machine")
	flags.StringVar(&a.Token, "token", "", "who you are (LEFT4ME_TOKEN, which other users can't see)")
	flags.DurationVar(&a.timeout, "timeout", 0, "give up after this long (1m for a request, never for what is waited for)")
	flags.BoolVar(&a.json, "json", false, "print what the API answers; streams one document a line")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print only what was asked for, no progress")
	var stop context.CancelFunc = func() {}
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		// Before cobra does: its error is none of ours.
		if err := c.ValidateFlagGroups(); err != nil {
			return left4me.NewError(left4me.Invalid, "usage.failed", "command", name(c), "reason", err, "help", c.CommandPath())
		}
		if a.Token == "" {
			a.Token = a.ownToken
		}
		if a.json {
			a.Out = output.EscapedJSON(a.Out)
			c.Root().SetOut(a.Out)
		}
		if a.timeout > 0 {
			ctx, cancel := context.WithTimeout(c.Context(), a.timeout)
			stop = cancel
			c.SetContext(ctx)
		}
		return nil
	}
	root.PersistentPostRun = func(*cobra.Command, []string) { stop() }
	root.AddCommand(serverCommands{a}.command(), gameCommands{a}.command(), jobCommands{a}.command(), blueprintCommands{a}.command(),
		overlayCommands{a}.command(), recipeCommands{a}.command(), uploadCommands{a}.command(), contentCommands{a}.command(),
		backupCommands{a}.command(), userCommands{a}.command(), tokenCommands{a}.command())
	root.AddCommand(&cobra.Command{
		Use: "exit-codes", Short: "What the exit codes mean",
		Long: "Errors are one line on stderr: what was tried, what is wrong; what to do about it.\n" +
			"The exit code says of which kind it is:\n\n" + output.ExitCodes,
	})
	return root
}

// group makes a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, DisableFlagsInUseLine: true, SuggestionsMinimumDistance: 2}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		text := fmt.Sprintf("there is no command %q", args[0])
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			text += fmt.Sprintf("; did you mean %q?", near[0])
		}
		return left4me.NewError(left4me.Invalid, "usage.unknown_command", "reason", text, "help", c.CommandPath())
	}
	c.AddCommand(commands...)
	return c
}

// one says that a command takes exactly one argument.
func one(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return left4me.NewError(left4me.Invalid, "usage.takes_only", "command", name(c), "what", what, "help", c.CommandPath())
		}
		return nil
	}
}

// NoArguments says that a command takes no arguments.
func NoArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return left4me.NewError(left4me.Invalid, "usage.takes_no_argument", "command", name(c), "argument", args[0], "help",
			c.CommandPath())
	}
	return nil
}

// name is the command without the program.
func name(c *cobra.Command) string {
	_, rest, ok := strings.Cut(c.CommandPath(), " ")
	if !ok {
		return c.CommandPath()
	}
	return rest
}

// between says that a command takes from least to most arguments; -1 is no bound.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return left4me.NewError(left4me.Invalid, "usage.takes", "command", name(c), "what", what, "help", c.CommandPath())
		}
		return nil
	}
}

const noFiles = cobra.ShellCompDirectiveNoFileComp
