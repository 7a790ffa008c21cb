package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/left4me/left4me/internal/left4me"
)

// Config is what the command line finds around it.
type Config struct {
	Target // how to reach the API when no flag says otherwise
	In     *os.File
	Out    io.Writer
	Err    io.Writer
	// VerifyFile checks the file of a backup on this machine and says what it
	// found; nil where there is no such thing.
	VerifyFile func(ctx context.Context, file string, out io.Writer, asJSON bool) error
}

// app is what the commands share.
type app struct {
	Config
	ownToken string // of the environment: never a flag's default, which help shows
	timeout  time.Duration
	json     bool
	quiet    bool
	warned   sync.Once
}

// New makes the command left4me with everything that goes over the API. It
// prints no errors: Report does, of what Execute returns.
func New(cfg Config) *cobra.Command {
	a := &app{Config: cfg, ownToken: cfg.Token}
	root := group("left4me", "Manage Left 4 Dead 2 dedicated servers")
	root.Long = `left4me manages Left 4 Dead 2 dedicated servers.

On the machine that left4me serve runs on, its own user and root need nothing
else. From elsewhere, LEFT4ME_URL says where it is and LEFT4ME_TOKEN who you are.`
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(cfg.In)
	root.SetOut(cfg.Out)
	root.SetErr(cfg.Err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%s: %v; see: %s --help", name(c), err, c.CommandPath())
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
			return usagef("%s: %v; see: %s --help", name(c), err, c.CommandPath())
		}
		if a.Token == "" {
			a.Token = a.ownToken
		}
		if a.json {
			a.Out = &escaped{w: a.Out}
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
	root.AddCommand(a.serverCommand(), a.gameCommand(), a.jobCommand(), a.blueprintCommand(), a.overlayCommand(), a.recipeCommand(),
		a.uploadCommand(), a.contentCommand(), a.backupCommand(), a.userCommand(), a.tokenCommand())
	root.AddCommand(&cobra.Command{
		Use: "exit-codes", Short: "What the exit codes mean",
		Long: "Errors are one line on stderr: what was tried, what is wrong; what to do about it.\n" +
			"The exit code says of which kind it is:\n\n" + ExitCodes,
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
		return usagef("%s; see: %s --help", text, c.CommandPath())
	}
	c.AddCommand(commands...)
	return c
}

// one says that a command takes exactly one argument.
func one(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s takes %s and nothing else; see: %s --help", name(c), what, c.CommandPath())
		}
		return nil
	}
}

// NoArguments says that a command takes no arguments.
func NoArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument like %q; see: %s --help", name(c), args[0], c.CommandPath())
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

func (a *app) client() (*Client, error) {
	c, err := NewClient(a.Target)
	if err == nil && !a.quiet {
		c.warn = func(text string) {
			a.warned.Do(func() { fmt.Fprintln(a.Err, "left4me: warning: "+oneLine(text)) })
		}
	}
	return c, err
}

// call sends one request.
func (a *app) call(ctx context.Context, method, path string, in, out any) (json.RawMessage, error) {
	c, err := a.client()
	if err != nil {
		return nil, err
	}
	return c.Call(ctx, method, path, in, out)
}

// print prints what the API answered, or what is made of it for people.
func (a *app) print(raw json.RawMessage, text func(w io.Writer)) error {
	if a.json {
		_, err := fmt.Fprintf(a.Out, "%s\n", strings.TrimRight(string(raw), "\n"))
		return err
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	text(w)
	return w.Flush()
}

// warn tells what is wrong with something that was saved all the same.
func (a *app) warn(all []left4me.Warning) {
	for _, w := range all {
		fmt.Fprintf(a.Err, "warning: %s; %s\n", oneLine(w.Text), oneLine(w.Hint))
	}
}

// terminal is the width of a terminal, 0 for anything else.
func terminal(v any) int {
	f, ok := v.(*os.File)
	if !ok || f == nil || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// confirm lets somebody type the name of what is going to be lost.
func (a *app) confirm(ctx context.Context, n left4me.Name, loss string) error {
	if terminal(a.In) == 0 {
		return usagef("%s; if that is meant, say --yes", loss)
	}
	fmt.Fprintf(a.Err, "%s: %s. Type the name to go on: ", n, loss)
	typed, err := a.line(ctx)
	if err != nil {
		return err
	}
	if typed != string(n) {
		return errors.New("that is not its name; nothing was changed")
	}
	return nil
}

// line reads a line from the standard input.
func (a *app) line(ctx context.Context) (string, error) {
	return during(ctx, func() (string, error) {
		var line []byte
		for b := make([]byte, 1); ; {
			switch n, err := a.In.Read(b); {
			case n == 1 && b[0] == '\n':
				return strings.TrimSuffix(string(line), "\r"), nil
			case n == 1 && len(line) < 4096:
				line = append(line, b[0])
			case n == 1:
				return "", usagef("the line is too long")
			case errors.Is(err, io.EOF) && len(line) > 0:
				return string(line), nil
			case err != nil:
				return "", err
			}
		}
	})
}

// during does something that can't be interrupted, and leaves it behind when
// ctx ends.
func during[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}
