package cli

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// revisionPath returns the path of a revision in the API; "" is the current one.
func revisionPath(overlay, revision string) (left4me.Name, string, error) {
	n, path, err := overlayPath(overlay)
	if err != nil {
		return n, "", err
	}
	if revision == "" || revision == "current" {
		return n, path + "/revisions/current", nil
	}
	if rev, err := strconv.Atoi(revision); err != nil || rev < 1 {
		return n, "", left4me.NewError(left4me.Invalid, "usage.no_revision", "revision", output.Fit(output.OneLine(revision), 40),
			"overlay", n)
	}
	return n, path + "/revisions/" + revision, nil
}

func (cmd overlayCommands) revisions() *cobra.Command {
	c := &cobra.Command{
		Use:               "revisions NAME",
		Short:             "List the revisions of an overlay, newest first",
		Args:              one("the name of an overlay"),
		ValidArgsFunction: cmd.app.overlays,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("revisions: %w", err)
		}
		var o apitype.Overlay
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path, nil, &o)
		if err == nil && o.Problem != "" {
			err = left4me.NewError(left4me.Unavailable, "overlay.revisions_unreadable", "reason", o.Problem)
		}
		if err != nil {
			return fmt.Errorf("revisions of %s: %w", n, err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if cmd.app.quiet {
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
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", number, output.Moment(v.CreatedAt), output.OneLine(v.By),
					v.Files,
					bytesize.Format(v.Bytes), bytesize.Format(v.Own),
					fmt.Sprintf("+%d ~%d -%d", v.Added, v.Changed, v.Removed), output.Joined(v.Servers), output.OneLine(v.Label),
					output.OneLine(output.Fit(v.Note, 60)))
			}
		})
	}
	return c
}

func (cmd overlayCommands) use() *cobra.Command {
	c := &cobra.Command{
		Use: "use NAME REVISION", Short: "Make a revision the current one",
		Args:              between(2, 2, "the name of an overlay and a revision"),
		ValidArgsFunction: cmd.completeRevision,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := revisionPath(args[0], args[1])
		if err != nil {
			return fmt.Errorf("use: %w", err)
		}
		raw, err := cmd.app.call(c.Context(), http.MethodPost, path+"/use", nil, nil)
		if err != nil {
			return fmt.Errorf("use %s of %s: %w", args[1], n, err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "servers now start with revision %s of %s\n", args[1], n)
			}
		})
	}
	return c
}

// completeRevision completes the name of an overlay and one of its revisions.
func (cmd overlayCommands) completeRevision(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return cmd.app.overlays(c, args, typed)
	}
	n, path, err := overlayPath(args[0])
	if err != nil || len(args) > 1 || n == "" {
		return nil, noFiles
	}
	var o apitype.Overlay
	if !cmd.app.ask(c, path, &o) {
		return nil, noFiles
	}
	var all []string
	for _, v := range slices.Backward(o.Content.Revisions) {
		all = append(all, strconv.Itoa(v.Number))
	}
	return all, noFiles
}

func (cmd overlayCommands) label() *cobra.Command {
	c := &cobra.Command{
		Use:   "label NAME REVISION [LABEL]",
		Short: "Label a revision so that cleanup keeps it; omit LABEL to remove the label",
		Args:  between(2, 3, "the name of an overlay, a revision and its label"), ValidArgsFunction: cmd.completeRevision,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := revisionPath(args[0], args[1])
		if err != nil {
			return fmt.Errorf("label: %w", err)
		}
		label := ""
		if len(args) == 3 {
			label = args[2]
		}
		raw, err := cmd.app.call(c.Context(), http.MethodPut, path+"/label", apitype.RevisionLabel{Label: label}, nil)
		if err != nil {
			return fmt.Errorf("label %s of %s: %w", args[1], n, err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "revision %s of %s has the label %q\n", args[1], n, output.OneLine(label))
			}
		})
	}
	return c
}

func (cmd overlayCommands) drop() *cobra.Command {
	c := &cobra.Command{
		Use: "drop NAME REVISION", Short: "Permanently remove a revision that nothing uses",
		Args: between(2, 2, "the name of an overlay and a revision"), ValidArgsFunction: cmd.completeRevision,
	}
	yes := c.Flags().BoolP("yes", "y", false, "do not ask for confirmation")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := revisionPath(args[0], args[1])
		if err != nil {
			return fmt.Errorf("drop: %w", err)
		}
		if !*yes {
			if err := cmd.app.confirm(c.Context(), n, "revision "+args[1]+" cannot be restored"); err != nil {
				return fmt.Errorf("drop %s of %s: %w", args[1], n, err)
			}
		}
		raw, err := cmd.app.call(c.Context(), http.MethodDelete, path, nil, nil)
		if err != nil {
			return fmt.Errorf("drop %s of %s: %w", args[1], n, err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "revision %s of %s removed\n", args[1], n)
			}
		})
	}
	return c
}

func (cmd overlayCommands) moves() *cobra.Command {
	return cmd.movesCommand("moves NAME", "Show the rollout of an automatically built revision", http.MethodGet)
}

func (cmd overlayCommands) stay() *cobra.Command {
	return cmd.movesCommand("stay NAME", "Cancel the rollout; pending servers keep their revision", http.MethodDelete)
}

func (cmd overlayCommands) movesCommand(use, short, method string) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: one("the name of an overlay"), ValidArgsFunction: cmd.app.overlays}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("%s: %w", name(c), err)
		}
		var m apitype.OverlayRestart
		raw, err := cmd.app.call(c.Context(), method, path+"/moves", nil, &m)
		if err != nil {
			return fmt.Errorf("%s %s: %w", name(c), n, err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			output.Row(w, "revision", strconv.Itoa(m.Revision))
			output.Row(w, "mode", m.Mode)
			output.Row(w, "state", m.State)
			output.Row(w, "reason", m.Reason)
			for _, s := range m.Servers {
				output.Row(w, "server", movesText(s.Server, s.State, s.Reason))
			}
		})
	}
	return c
}

// movesText describes the rollout on one server in one line.
func movesText(server left4me.Name, state, reason string) string {
	return strings.TrimRight(string(server)+" "+output.OneLine(state)+": "+output.OneLine(reason), ": ")
}
