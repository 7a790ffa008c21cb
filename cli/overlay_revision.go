package cli

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me"
)

// revisionPath is where a revision is in the API; nothing is the current one.
func revisionPath(overlay, revision string) (left4me.Name, string, error) {
	n, path, err := overlayPath(overlay)
	if err != nil {
		return n, "", err
	}
	if revision == "" || revision == "current" {
		return n, path + "/revisions/current", nil
	}
	if rev, err := strconv.Atoi(revision); err != nil || rev < 1 {
		return n, "", usagef("%q is no revision; see: left4me overlay revisions %s", fit(oneLine(revision), 40), n)
	}
	return n, path + "/revisions/" + revision, nil
}

func (a *app) overlayRevisions() *cobra.Command {
	c := &cobra.Command{Use: "revisions NAME", Short: "List the revisions of an overlay, newest first", Args: one("the name of an overlay"), ValidArgsFunction: a.overlays}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("revisions: %w", err)
		}
		var o overlay
		raw, err := a.call(c.Context(), http.MethodGet, path, nil, &o)
		if err == nil && o.Problem != "" {
			err = left4me.Errorf(left4me.Unavailable, o.Problem, "")
		}
		if err != nil {
			return fmt.Errorf("revisions of %s: %w", n, err)
		}
		return a.print(raw, func(w io.Writer) {
			if a.quiet {
				for _, v := range o.Content.Revisions {
					fmt.Fprintln(w, v.Number)
				}
				return
			}
			fmt.Fprintln(w, "REVISION\tCREATED\tBY\tFILES\tSIZE\tOWN\tCHANGES\tSERVERS\tLABEL\tNOTE")
			for _, v := range o.Content.Revisions {
				number := strconv.Itoa(v.Number)
				if v.Number == o.Content.Current {
					number += " current"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", number, moment(v.CreatedAt), oneLine(v.By), v.Files, size(v.Bytes), size(v.Own),
					fmt.Sprintf("+%d ~%d -%d", v.Added, v.Changed, v.Removed), joined(v.Servers), oneLine(v.Label), oneLine(fit(v.Note, 60)))
			}
		})
	}
	return c
}

func (a *app) overlayUse() *cobra.Command {
	c := &cobra.Command{
		Use: "use NAME REVISION", Short: "Let servers start with a revision, an older one or the newest", Args: between(2, 2, "the name of an overlay and a revision"),
		ValidArgsFunction: a.overlayRevision,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := revisionPath(args[0], args[1])
		if err != nil {
			return fmt.Errorf("use: %w", err)
		}
		raw, err := a.call(c.Context(), http.MethodPost, path+"/use", nil, nil)
		if err != nil {
			return fmt.Errorf("use %s of %s: %w", args[1], n, err)
		}
		return a.print(raw, func(w io.Writer) {
			if !a.quiet {
				fmt.Fprintf(w, "servers start with revision %s of %s now\n", args[1], n)
			}
		})
	}
	return c
}

// overlayRevision completes the name of an overlay and one of its revisions.
func (a *app) overlayRevision(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return a.overlays(c, args, typed)
	}
	n, path, err := overlayPath(args[0])
	if err != nil || len(args) > 1 || n == "" {
		return nil, noFiles
	}
	var o overlay
	if !a.ask(c, path, &o) {
		return nil, noFiles
	}
	var all []string
	for _, v := range slices.Backward(o.Content.Revisions) {
		all = append(all, strconv.Itoa(v.Number))
	}
	return all, noFiles
}
