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

	"github.com/left4me/left4me/internal/left4me"
)

const (
	attachLines = 40
	logLines    = 100
	maxCommand  = 4096 // bytes of a line that is read; the API allows less
)

func (a *app) serverLogs() *cobra.Command {
	c := &cobra.Command{
		Use:               "logs NAME",
		Short:             "Show what a server printed",
		Args:              one("the name of a server"),
		ValidArgsFunction: a.servers,
	}
	lines := c.Flags().IntP("lines", "n", logLines, "how many of the last lines")
	follow := c.Flags().BoolP("follow", "f", false, "go on with what it prints")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("logs: %w", err)
		}
		if *lines < 0 {
			return usagef("logs %s: %d lines are out of range", n, *lines)
		}
		tail, raw, err := a.tail(c.Context(), path)
		if err == nil && !*follow {
			return a.print(raw, func(io.Writer) { fmt.Fprint(a.Out, lastLines(harmless(tail.Text), *lines)) })
		}
		if err == nil {
			err = a.watch(c.Context(), path, tail, *lines, a.Out)
		}
		if err != nil {
			return fmt.Errorf("logs of %s: %w", n, err)
		}
		return nil
	}
	return c
}

// chunk is a piece of a console.
type chunk struct {
	Text     string `json:"text"`
	Position int64  `json:"position"`
	Lost     int64  `json:"lost"`
}

// tail reads the end of a console.
func (a *app) tail(ctx context.Context, path string) (chunk, json.RawMessage, error) {
	var t chunk
	raw, err := a.call(ctx, http.MethodGet, path+"/console/tail", nil, &t)
	return t, raw, err
}

// watch prints the last lines of a console and then what comes, until ctx is
// cancelled, which is how one leaves.
func (a *app) watch(ctx context.Context, path string, from chunk, lines int, w io.Writer) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	after := ""
	if from.Position >= 0 {
		after = strconv.FormatInt(from.Position, 10)
	}
	if from.Text != "" && a.json {
		b, err := json.Marshal(from)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\n", b)
	} else if _, err := io.WriteString(w, lastLines(harmless(from.Text), lines)); err != nil {
		return err
	}
	for e, err := range c.follow(ctx, path+"/console", after, patient) {
		if err != nil {
			return err
		}
		var k chunk
		switch {
		case json.Unmarshal(e.data, &k) != nil:
			return c.strange("its console can't be read")
		case a.json:
			_, err = fmt.Fprintf(w, "%s\n", e.data)
		case k.Lost > 0:
			_, err = fmt.Fprintf(w, "(%d bytes before this are lost)\n%s", k.Lost, harmless(k.Text))
		default:
			_, err = io.WriteString(w, harmless(k.Text))
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

// lastLines keeps the last n lines of text.
func lastLines(text string, n int) string {
	at := len(text)
	for ; n > 0 && at > 0; n-- {
		at = strings.LastIndexByte(text[:at-1], '\n') + 1
	}
	return text[at:]
}

func (a *app) serverConsole() *cobra.Command {
	c := &cobra.Command{
		Use: "console NAME", Short: "Sit at a server's console", Args: one("the name of a server"), ValidArgsFunction: a.servers,
		Long: `Sit at a server's console: what it prints appears, what you type it runs.
Ctrl-D leaves; the server runs on. When the standard input is no terminal, each
of its lines is run and what it answers is printed.`,
	}
	command := c.Flags().StringP("command", "c", "", "run this one command and print its output")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("console: %w", err)
		}
		switch {
		case c.Flags().Changed("command"):
			err = a.run(c.Context(), path, *command, a.Out)
		case terminal(a.In) == 0:
			err = a.runLines(c.Context(), path)
		default:
			err = a.attach(c.Context(), n, path)
		}
		if err != nil {
			return fmt.Errorf("console of %s: %w", n, err)
		}
		return nil
	}
	return c
}

// run runs one command and prints what it answers.
func (a *app) run(ctx context.Context, path, command string, w io.Writer) error {
	var out struct {
		Output string `json:"output"`
	}
	raw, err := a.call(ctx, http.MethodPost, path+"/console", map[string]string{"command": command}, &out)
	if err != nil {
		return err
	}
	if a.json {
		_, err = fmt.Fprintf(w, "%s\n", strings.TrimRight(string(raw), "\n"))
		return err
	}
	text := harmless(out.Output)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	_, err = io.WriteString(w, text)
	return err
}

// runLines runs the lines of the standard input one after the other, up to the
// first that fails.
func (a *app) runLines(ctx context.Context, path string) error {
	lines := bufio.NewScanner(a.In)
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
		if err := a.run(ctx, path, command, a.Out); err != nil {
			return err
		}
	}
}

// attach shows the console on the terminal above the line that is typed.
func (a *app) attach(ctx context.Context, n left4me.Name, path string) error {
	from, _, err := a.tail(ctx, path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	fd := int(a.In.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return err
	}
	defer func() { _ = term.Restore(fd, before) }()
	screen := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{a.In, a.Out}, string(n)+"> ")
	// A terminal that doesn't know its size must not have every letter on a line.
	_ = screen.SetSize(terminal(a.In), 24)
	if !a.quiet {
		fmt.Fprintf(screen, "console of %s; Ctrl-D leaves it\n", n)
	}
	ended := make(chan error, 2)
	go func() { ended <- a.watch(ctx, path, from, attachLines, screen) }()
	go func() { ended <- a.converse(ctx, path, screen) }()
	err = <-ended
	fmt.Fprintln(screen)
	return err
}

// converse runs what is typed until the end of the input.
func (a *app) converse(ctx context.Context, path string, screen *term.Terminal) error {
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
		if err := a.run(ctx, path, line, screen); err != nil {
			fmt.Fprintf(screen, "left4me: %s\n", oneLine(err.Error()))
		}
	}
}
