package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/left4me"
)

// listing are the flags of commands that list files.
type listing struct {
	dir, query string
	deep       bool
}

func (l *listing) flags(c *cobra.Command) {
	c.Flags().StringVar(&l.dir, "dir", "", "only what lies in this directory")
	c.Flags().BoolVar(&l.deep, "deep", false, "all files beneath it")
	c.Flags().StringVar(&l.query, "find", "", "only paths with this in them, anywhere")
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

// pages asks for all pages of a list, and gives them to f one by one.
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
	name := oneLine(f.Path)
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
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, size, oneLine(f.Layer), oneLine(strings.Join(f.Hides, ", ")))
}

func (a *app) writeChange(w io.Writer, c left4me.FileChange) {
	if a.quiet {
		fmt.Fprintln(w, oneLine(c.Path))
		return
	}
	fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", oneLine(c.What), oneLine(c.Path), c.From, c.To)
}

func (a *app) serverFiles() *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use: "files NAME", Short: "List what a server sees: its layers merged", Args: one("the name of a server"),
		ValidArgsFunction: a.servers,
		Long: "List what a server sees: its layers merged, nothing is mounted for it. Each file\n" +
			"names the layer that it comes from, and those below that have it too.",
	}
	l.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err == nil {
			err = list(c.Context(), a, path+"/files", l.values(), "PATH\tBYTES\tLAYER\tHIDES", a.writeTreeFile)
		}
		if err != nil {
			return fmt.Errorf("files of %s: %w", n, err)
		}
		return nil
	}
	return c
}

func (a *app) serverWritten() *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use: "written NAME", Short: "List what a server wrote over its layers", Args: one("the name of a server"),
		ValidArgsFunction: a.servers,
	}
	l.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		query := l.values()
		if l.dir == "" {
			query.Set("deep", "true")
		}
		n, path, err := serverPath(args[0])
		if err == nil {
			err = list(c.Context(), a, path+"/written", query, "PATH\tBYTES\tLAYER\tHIDES", a.writeTreeFile)
		}
		if err != nil {
			return fmt.Errorf("what %s wrote: %w", n, err)
		}
		return nil
	}
	return c
}

func (a *app) serverCat() *cobra.Command {
	var inside string
	c := &cobra.Command{
		Use: "cat NAME PATH", Short: "Print a file as a server sees it", ValidArgsFunction: a.servers,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("%s takes the name of a server and a path; see: %s --help", name(c), c.CommandPath())
			}
			return nil
		},
	}
	c.Flags().StringVar(&inside, "inside", "", "a file in the add-on (VPK) that PATH is")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("cat: %w", err)
		}
		var f struct {
			Size int64  `json:"size"`
			Data []byte `json:"data"`
		}
		query := url.Values{"path": {args[1]}, "inside": {inside}}
		raw, err := a.call(c.Context(), http.MethodGet, path+"/file?"+query.Encode(), nil, &f)
		if err == nil && int64(len(f.Data)) < f.Size && !a.json {
			err = left4me.Errorf(left4me.Invalid, "%s has %d bytes, which is too much to print", args[1], f.Size).
				WithHint("look at it on the host itself")
		}
		if err != nil {
			return fmt.Errorf("cat %s of %s: %w", args[1], n, err)
		}
		if a.json {
			return a.print(raw, nil)
		}
		_, err = a.Out.Write(f.Data)
		return err
	}
	return c
}

func (a *app) serverDiscard() *cobra.Command {
	c := &cobra.Command{
		Use: "discard NAME PATH...", Short: "Drop files that a stopped server wrote", ValidArgsFunction: a.servers,
		Long: "Drop files that a stopped server wrote: a file that hid one of a layer gives it\n" +
			"back, one that was removed comes again, a directory goes with all that is in it.",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("%s takes the name of a server and at least one path; see: %s --help", name(c), c.CommandPath())
			}
			return nil
		},
	}
	wait := c.Flags().Bool("wait", false, "wait until it is done")
	yes := c.Flags().BoolP("yes", "y", false, "don't ask")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("discard: %w", err)
		}
		what := "discard files of " + string(n)
		if !*yes {
			if err := a.confirm(c.Context(), n,
				fmt.Sprintf("%d files or directories that it wrote are thrown away", len(args)-1)); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
		return a.begin(c.Context(), what, http.MethodPost, path+"/written/discard", map[string]any{"paths": args[1:]}, *wait)
	}
	return c
}

func (a *app) serverPending() *cobra.Command {
	c := &cobra.Command{
		Use: "pending NAME", Short: "List the files that a restart would change", Args: one("the name of a server"),
		ValidArgsFunction: a.servers,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err == nil {
			err = list(c.Context(), a, path+"/pending", url.Values{}, "WHAT\tPATH\tBEFORE\tAFTER", a.writeChange)
		}
		if err != nil {
			return fmt.Errorf("what a restart of %s would change: %w", n, err)
		}
		return nil
	}
	return c
}

func (a *app) serverClashes() *cobra.Command {
	c := &cobra.Command{
		Use: "clashes NAME", Short: "Say what the overlays of a server have in common", Args: one("the name of a server"),
		ValidArgsFunction: a.servers,
		Long: "Say what the overlays of a server have in common and players miss something by:\n" +
			"add-ons with the same files, a campaign twice, more add-ons than the game has\n" +
			"room for. What is wrong with an overlay by itself: left4me overlay show.",
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("clashes: %w", err)
		}
		var all []left4me.Warning
		raw, err := a.call(c.Context(), http.MethodGet, path+"/clashes", nil, &all)
		if err != nil {
			return fmt.Errorf("clashes of %s: %w", n, err)
		}
		return a.print(raw, func(w io.Writer) {
			for _, x := range all {
				text := x.Text
				if x.Path != "" {
					text = x.Path + ": " + text
				}
				if x.Hint != "" {
					text += "; " + x.Hint
				}
				fmt.Fprintln(w, oneLine(text))
			}
			if len(all) == 0 && !a.quiet {
				fmt.Fprintln(w, "nothing clashes")
			}
		})
	}
	return c
}

func (a *app) serverCompare() *cobra.Command {
	c := &cobra.Command{
		Use: "compare NAME OTHER", Short: "List how the files of two servers differ", ValidArgsFunction: a.servers,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("%s takes the names of two servers; see: %s --help", name(c), c.CommandPath())
			}
			return nil
		},
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("compare: %w", err)
		}
		other, err := left4me.ParseName(args[1])
		if err == nil {
			err = list(c.Context(), a, path+"/compare/"+string(other), url.Values{},
				"WHAT\tPATH\t"+strings.ToUpper(string(n))+"\t"+strings.ToUpper(string(other)), a.writeChange)
		}
		if err != nil {
			return fmt.Errorf("compare %s: %w", n, err)
		}
		return nil
	}
	return c
}

func (a *app) serverPromote() *cobra.Command {
	c := &cobra.Command{
		Use: "promote NAME OVERLAY PATH...", Short: "Take files that a server wrote into an overlay", ValidArgsFunction: a.servers,
		Long: "Take files that a server wrote into a files overlay, as a new revision of it. The\n" +
			"server keeps its own until they are discarded.",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 3 {
				return usagef("%s takes a server, an overlay and at least one path; see: %s --help", name(c), c.CommandPath())
			}
			return nil
		},
	}
	wait := c.Flags().Bool("wait", false, "wait until it is done")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, _, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("promote: %w", err)
		}
		overlay, err := left4me.ParseName(args[1])
		if err != nil {
			return fmt.Errorf("promote files of %s: %w", n, err)
		}
		body := map[string]any{"promote": left4me.Promote{Server: n, Paths: args[2:]}}
		return a.begin(c.Context(), fmt.Sprintf("promote files of %s to %s", n, overlay), http.MethodPost,
			"/overlays/"+string(overlay)+"/build", body, *wait)
	}
	return c
}
