package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	attachLines = 40
	logLines    = 100
	maxCommand  = 4096 // bytes of an input line; the API's limit is lower
)

func (cmd serverCommands) logs() *cobra.Command {
	c := &cobra.Command{
		Use:               "logs NAME",
		Short:             "Show the console output of a server",
		Args:              one("the name of a server"),
		ValidArgsFunction: cmd.app.servers,
	}
	lines := c.Flags().IntP("lines", "n", logLines, "number of last lines to show")
	follow := c.Flags().BoolP("follow", "f", false, "keep printing new output")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("logs: %w", err)
		}
		if *lines < 0 {
			return left4me.NewError(left4me.Invalid, "usage.lines_out_of_range", "server", n, "lines", *lines)
		}
		tail, raw, err := cmd.tail(c.Context(), path)
		if err == nil && !*follow {
			return cmd.app.print(raw, func(io.Writer) { fmt.Fprint(cmd.app.Out, lastLines(output.Harmless(tail.Text), *lines)) })
		}
		if err == nil {
			err = cmd.watch(c.Context(), path, tail, *lines, cmd.app.Out)
		}
		if err != nil {
			return fmt.Errorf("logs of %s: %w", n, err)
		}
		return nil
	}
	return c
}

// tail reads the end of a console.
func (cmd serverCommands) tail(ctx context.Context, path string) (apitype.ConsoleTail, json.RawMessage, error) {
	var t apitype.ConsoleTail
	raw, err := cmd.app.call(ctx, http.MethodGet, path+"/console/tail", nil, &t)
	return t, raw, err
}

// watch prints the last lines of a console and then follows it until ctx is cancelled, which is the
// normal way to end it.
func (cmd serverCommands) watch(ctx context.Context, path string, from apitype.ConsoleTail, lines int, w io.Writer) error {
	c, err := cmd.app.client()
	if err != nil {
		return err
	}
	after := ""
	if from.Position >= 0 {
		after = strconv.FormatInt(from.Position, 10)
	}
	if from.Text != "" && cmd.app.json {
		b, err := json.Marshal(struct { // in the format of the following chunks
			apitype.ConsoleTail
			Lost int64 `json:"lost"`
		}{ConsoleTail: from})
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\n", b)
	} else if _, err := io.WriteString(w, lastLines(output.Harmless(from.Text), lines)); err != nil {
		return err
	}
	for e, err := range c.Follow(ctx, path+"/console", after) {
		if err != nil {
			return err
		}
		var k apitype.ConsoleChunk
		switch {
		case json.Unmarshal(e.Data, &k) != nil:
			return c.Unexpected("its console cannot be read")
		case cmd.app.json:
			_, err = fmt.Fprintf(w, "%s\n", e.Data)
		case k.Lost > 0:
			_, err = fmt.Fprintf(w, "(%d bytes before this are lost)\n%s", k.Lost, output.Harmless(k.Text))
		default:
			_, err = io.WriteString(w, output.Harmless(k.Text))
		}
		if err != nil {
			return err
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	return nil
}

// lastLines returns the last n lines of text.
func lastLines(text string, n int) string {
	at := len(text)
	for ; n > 0 && at > 0; n-- {
		at = strings.LastIndexByte(text[:at-1], '\n') + 1
	}
	return text[at:]
}

func (cmd serverCommands) console() *cobra.Command {
	c := &cobra.Command{
		Use: "console NAME", Short: "Attach to a server's console", Args: one("the name of a server"), ValidArgsFunction: cmd.app.servers,
		Long: `Attach to a server's console: its output is shown and each line that you type is
run as a command. Ctrl-D detaches; the server keeps running. If standard input is
not a terminal, each of its lines is run and the output is printed.`,
	}
	command := c.Flags().StringP("command", "c", "", "run a single command and print its output")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("console: %w", err)
		}
		switch {
		case c.Flags().Changed("command"):
			err = cmd.run(c.Context(), path, *command, cmd.app.Out)
		case terminal(cmd.app.In) == 0:
			err = cmd.runLines(c.Context(), path)
		default:
			err = cmd.attach(c.Context(), n, path)
		}
		if err != nil {
			return fmt.Errorf("console of %s: %w", n, err)
		}
		return nil
	}
	return c
}

// run runs a command and prints its output.
func (cmd serverCommands) run(ctx context.Context, path, command string, w io.Writer) error {
	var out apitype.CommandOutput
	raw, err := cmd.app.call(ctx, http.MethodPost, path+"/console", apitype.Command{Command: command}, &out)
	if err != nil {
		return err
	}
	if cmd.app.json {
		_, err = fmt.Fprintf(w, "%s\n", strings.TrimRight(string(raw), "\n"))
		return err
	}
	text := output.Harmless(out.Output)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	_, err = io.WriteString(w, text)
	return err
}

// runLines runs the lines of standard input in order, until one fails.
func (cmd serverCommands) runLines(ctx context.Context, path string) error {
	lines := bufio.NewScanner(cmd.app.In)
	lines.Buffer(nil, maxCommand)
	for {
		more, err := during(ctx, func() (bool, error) { return lines.Scan(), lines.Err() })
		if err != nil || !more {
			return err
		}
		command := strings.TrimSuffix(lines.Text(), "\r")
		if strings.TrimSpace(command) == "" {
			continue
		}
		if err := cmd.run(ctx, path, command, cmd.app.Out); err != nil {
			return err
		}
	}
}

// attach shows the console on the terminal, above the line that the user types.
func (cmd serverCommands) attach(ctx context.Context, n left4me.Name, path string) error {
	from, _, err := cmd.tail(ctx, path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	fd := int(cmd.app.In.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return err
	}
	defer func() { _ = term.Restore(fd, before) }()
	screen := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{cmd.app.In, cmd.app.Out}, string(n)+"> ")
	// Some terminals report no size. Without a width, each letter would be on its own line.
	_ = screen.SetSize(terminal(cmd.app.In), 24)
	if !cmd.app.quiet {
		fmt.Fprintf(screen, "console of %s; press Ctrl-D to detach\n", n)
	}
	ended := make(chan error, 2)
	go func() { ended <- cmd.watch(ctx, path, from, attachLines, screen) }()
	go func() { ended <- cmd.converse(ctx, path, screen) }()
	err = <-ended
	fmt.Fprintln(screen)
	return err
}

// converse runs each typed line until the end of input.
func (cmd serverCommands) converse(ctx context.Context, path string, screen *term.Terminal) error {
	for {
		line, err := screen.ReadLine()
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
			return nil
		}
		if err != nil && !errors.Is(err, term.ErrPasteIndicator) {
			return err
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := cmd.run(ctx, path, line, screen); err != nil {
			fmt.Fprintf(screen, "left4me: %s\n", output.OneLine(err.Error()))
		}
	}
}
