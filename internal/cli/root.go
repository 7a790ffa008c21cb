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

// New returns the command left4me with all commands that use the API. It prints no errors: pass the
// result of Execute to Report.
func New(cfg Config) *cobra.Command {
	a := &app{Config: cfg, ownToken: cfg.Token}
	a.RequestID = requestid.New() // one id for all requests of a command
	root := group("left4me", "Manage Left 4 Dead 2 dedicated servers")
	root.Long = `left4me manages Left 4 Dead 2 dedicated servers.

On the host of left4me serve, root and left4me's own user need no settings. On
other machines, set LEFT4ME_URL and LEFT4ME_TOKEN.`
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(cfg.In)
	root.SetOut(cfg.Out)
	root.SetErr(cfg.Err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return left4me.NewError(left4me.Invalid, "usage.failed", "command", name(c), "reason", err, "help", c.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.URL, "url", cfg.URL, "URL of left4me (LEFT4ME_URL; default: the local socket)")
	flags.StringVar(&a.Token, "token", "", "API token; prefer LEFT4ME_TOKEN, which other users cannot see")
	flags.DurationVar(&a.timeout, "timeout", 0, "time limit (default 1m per request, none while waiting for a job)")
	flags.BoolVar(&a.json, "json", false, "print the API's JSON answer; one document per line for streams")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print only the requested output, no progress")
	var stop context.CancelFunc = func() {}
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		// Check before cobra does, because its error has no code.
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
	help := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		if unknown := c.Flags().Args(); c.HasSubCommands() && len(unknown) > 0 {
			fmt.Fprintln(c.ErrOrStderr(), output.OneLine(noCommand(c, unknown[0])))
		}
		help(c, args)
	})
	root.AddCommand(serverCommands{a}.command(), gameCommands{a}.command(), jobCommands{a}.command(), blueprintCommands{a}.command(),
		overlayCommands{a}.command(), recipeCommands{a}.command(), uploadCommands{a}.command(), contentCommands{a}.command(),
		backupCommands{a}.command(), userCommands{a}.command(), tokenCommands{a}.command())
	root.AddCommand(&cobra.Command{
		Use: "exit-codes", Short: "Explain the exit codes",
		Long: "Errors are printed on stderr in one line: the action, the problem and the remedy.\n" +
			"The exit code depends on the type of error:\n\n" + output.ExitCodes,
	})
	return root
}

// group returns a command that only has subcommands.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, DisableFlagsInUseLine: true, SuggestionsMinimumDistance: 2}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		return left4me.NewError(left4me.Invalid, "usage.unknown_command", "reason", noCommand(c, args[0]), "help", c.CommandPath())
	}
	c.AddCommand(commands...)
	return c
}

// noCommand says that a group has no subcommand of a name, with the most similar one.
func noCommand(c *cobra.Command, typed string) string {
	text := fmt.Sprintf("there is no command %q", typed)
	if near := c.SuggestionsFor(typed); len(near) > 0 {
		text += fmt.Sprintf("; did you mean %q?", near[0])
	}
	return text
}

// one requires exactly one argument, which what describes.
func one(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return left4me.NewError(left4me.Invalid, "usage.takes_only", "command", name(c), "what", what, "help", c.CommandPath())
		}
		return nil
	}
}

// NoArguments rejects all arguments.
func NoArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return left4me.NewError(left4me.Invalid, "usage.takes_no_argument", "command", name(c), "argument", args[0], "help",
			c.CommandPath())
	}
	return nil
}

// name returns the path of a command without the program name.
func name(c *cobra.Command) string {
	_, rest, ok := strings.Cut(c.CommandPath(), " ")
	if !ok {
		return c.CommandPath()
	}
	return rest
}

// between requires least to most arguments; most may be -1 for no limit.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return left4me.NewError(left4me.Invalid, "usage.takes", "command", name(c), "what", what, "help", c.CommandPath())
		}
		return nil
	}
}

const noFiles = cobra.ShellCompDirectiveNoFileComp
