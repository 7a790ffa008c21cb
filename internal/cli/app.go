package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/apiclient"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// Config is the environment of the command line.
type Config struct {
	apiclient.Target // how to reach the API unless a flag says otherwise
	In               *os.File
	Out              io.Writer
	Err              io.Writer
	Host             left4me.Name // default host of game commands
	// VerifyFile checks a backup file on this machine and returns the findings; nil if that is not
	// possible.
	VerifyFile func(ctx context.Context, file string, out io.Writer, asJSON bool) error
}

// app is the state that all commands share.
type app struct {
	Config
	ownToken string // from the environment; not the flag's default, because help would show it
	timeout  time.Duration
	json     bool
	quiet    bool
	warned   sync.Once
}

func (a *app) client() (*apiclient.Client, error) {
	c, err := apiclient.New(a.Target)
	if err != nil {
		return nil, err
	}
	c.Similar = similar
	if !a.quiet {
		c.OnWarning = func(text string) {
			a.warned.Do(func() { fmt.Fprintln(a.Err, "left4me: warning: "+output.OneLine(text)) })
		}
	}
	return c, nil
}

// call sends one request.
func (a *app) call(ctx context.Context, method, path string, in, out any) (json.RawMessage, error) {
	c, err := a.client()
	if err != nil {
		return nil, err
	}
	return c.Call(ctx, method, path, in, out)
}

// renaming turns c into a rename command. what describes the object, path returns its path in the
// API, and onHost is the message for an object whose host keeps using the old name.
func (a *app) renaming(c *cobra.Command, what, onHost string, path func(arg string) (left4me.Name, string, error)) *cobra.Command {
	c.Use, c.Args = "rename NAME NEW-NAME", between(2, 2, "the name of "+what+" and its new name")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, at, err := path(args[0])
		if err != nil {
			return fmt.Errorf("rename: %w", err)
		}
		var v struct {
			Name       left4me.Name `json:"name"`
			NameOnHost left4me.Name `json:"name_on_host"`
		}
		raw, err := a.call(c.Context(), http.MethodPost, at+"/rename", apitype.NewName{Name: args[1]}, &v)
		if err != nil {
			return fmt.Errorf("rename %s: %w", n, err)
		}
		return a.print(raw, func(w io.Writer) {
			switch {
			case a.quiet:
			case v.NameOnHost != "":
				fmt.Fprintf(w, "%s is now %s; %s\n", n, v.Name, onHost)
			default:
				fmt.Fprintf(w, "%s is now %s\n", n, v.Name)
			}
		})
	}
	return c
}

// print writes the raw JSON answer, or with text the output for people.
func (a *app) print(raw json.RawMessage, text func(w io.Writer)) error {
	if a.json {
		_, err := fmt.Fprintf(a.Out, "%s\n", strings.TrimRight(string(raw), "\n"))
		return err
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	text(w)
	return w.Flush()
}

// warn writes warnings about an object that was saved.
func (a *app) warn(all []left4me.Warning) {
	for _, w := range all {
		fmt.Fprintf(a.Err, "warning: %s; %s\n", output.OneLine(w.Text), output.OneLine(w.Hint))
	}
}

// listing holds the flags of commands that list files.
type listing struct {
	dir, query string
	deep       bool
}

func (l *listing) flags(c *cobra.Command) {
	c.Flags().StringVar(&l.dir, "dir", "", "list only this directory")
	c.Flags().BoolVar(&l.deep, "deep", false, "list all files under the directory")
	c.Flags().StringVar(&l.query, "find", "", "list only paths that contain this text")
}

func (l *listing) values() url.Values {
	v := url.Values{}
	if l.dir != "" {
		v.Set("dir", strings.Trim(l.dir, "/"))
	}
	if l.query != "" {
		v.Set("q", l.query)
	}
	if l.deep {
		v.Set("deep", "true")
	}
	return v
}

// pages requests all pages of a list and calls f for each.
func pages[T any](ctx context.Context, a *app, path string, query url.Values, f func(left4me.Page[T])) (json.RawMessage, error) {
	query.Set("limit", "1000")
	all := left4me.Page[T]{Items: []T{}}
	for {
		var page left4me.Page[T]
		if _, err := a.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		if a.json {
			all.Items = append(all.Items, page.Items...)
		} else {
			f(page)
		}
		if page.Next == "" {
			all.Total = len(all.Items)
			return json.Marshal(all)
		}
		query.Set("after", page.Next)
	}
}

// list prints all pages of a list.
func list[T any](ctx context.Context, a *app, path string, query url.Values, head string, line func(io.Writer, T)) error {
	var items []T
	raw, err := pages(ctx, a, path, query, func(p left4me.Page[T]) { items = append(items, p.Items...) })
	if err != nil {
		return err
	}
	return a.print(raw, func(w io.Writer) {
		if !a.quiet {
			fmt.Fprintln(w, head)
		}
		for _, i := range items {
			line(w, i)
		}
	})
}

func (a *app) writeTreeFile(w io.Writer, f left4me.TreeFile) {
	name := output.OneLine(f.Path)
	size := strconv.FormatInt(f.Size, 10)
	switch {
	case f.Gone:
		size = "removed"
	case f.Dir:
		name, size = name+"/", ""
	}
	if a.quiet {
		fmt.Fprintln(w, name)
		return
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, size, output.OneLine(f.Layer), output.OneLine(strings.Join(f.Hides, ", ")))
}

func (a *app) writeChange(w io.Writer, c left4me.FileChange) {
	if a.quiet {
		fmt.Fprintln(w, output.OneLine(c.Path))
		return
	}
	fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", output.OneLine(c.What), output.OneLine(c.Path), c.From, c.To)
}

// newMeter returns a progress display for a transfer.
func (a *app) newMeter(title string, total int64) *output.Meter {
	width := 0
	if !a.quiet && !a.json {
		width = terminal(a.Err)
	}
	return output.NewMeter(a.Err, title, total, width)
}

// download writes an answer to a new file that only its owner can read. It removes the file if the
// download is interrupted.
func (a *app) download(ctx context.Context, path, file string) error {
	if _, err := os.Lstat(file); err == nil {
		return left4me.NewError(left4me.Conflict, "client.file_exists", "path", file)
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	in, err := c.Download(ctx, path, nil)
	if err != nil {
		return err
	}
	defer in.Close()
	f, err := os.CreateTemp(filepath.Dir(file), ".download-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := io.Copy(f, in); err != nil {
		if in.Err() != nil {
			return in.Err()
		}
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// readText reads a file of this machine, or standard input if file is -.
func (a *app) readText(ctx context.Context, file string) (string, error) {
	b, err := during(ctx, func() ([]byte, error) {
		in := io.Reader(a.In)
		if file != "-" {
			f, err := os.Open(file)
			if err != nil {
				return nil, err
			}
			defer f.Close()
			in = f
		}
		return io.ReadAll(io.LimitReader(in, maxScript+1))
	})
	var path *os.PathError
	switch {
	case errors.As(err, &path):
		return "", left4me.NewError(left4me.NotFound, "client.file_unreadable", "path", file, "reason", path.Err)
	case err != nil:
		return "", err
	case len(b) > maxScript:
		return "", left4me.NewError(left4me.Invalid, "script.too_long", "limit", left4me.Bytes(maxScript))
	}
	return string(b), nil
}

// workshopIDs parses numbers and links like the API does.
func (a *app) workshopIDs(ctx context.Context, texts []string) ([]left4me.WorkshopID, error) {
	var found apitype.WorkshopIDs
	text := strings.Join(texts, "\n")
	if _, err := a.call(ctx, http.MethodPost, "/workshop/parse", apitype.WorkshopText{Text: text}, &found); err != nil {
		return nil, err
	}
	if len(found.Bad) > 0 {
		return nil, left4me.NewError(left4me.Invalid, "usage.no_workshop_item", "text", output.Fit(output.OneLine(found.Bad[0]), 80))
	}
	if len(found.IDs) == 0 && strings.TrimSpace(text) != "" {
		return nil, left4me.NewError(left4me.Invalid, "usage.no_workshop_item", "text", output.Fit(output.OneLine(text), 80))
	}
	return found.IDs, nil
}
