package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// overlayFileCommands are the subcommands of left4me overlay that read, send and change files.
type overlayFileCommands struct{ app *app }

func (cmd overlayFileCommands) list() *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use: "files NAME [REVISION]", Short: "List the files of a revision (default: the current one)",
		Args:              between(1, 2, "the name of an overlay, and a revision if not the current one"),
		ValidArgsFunction: overlayCommands(cmd).completeRevision,
	}
	l.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := revisionPath(args[0], strings.Join(args[1:], ""))
		if err != nil {
			return fmt.Errorf("files: %w", err)
		}
		err = list(c.Context(), cmd.app, path+"/files", l.values(), "PATH\tSIZE",
			func(w io.Writer, f left4me.TreeFile) { writeFile(w, cmd.app.quiet, f) })
		if err != nil {
			return fmt.Errorf("files of %s: %w", n, err)
		}
		return nil
	}
	return c
}

func writeFile(w io.Writer, quiet bool, f left4me.TreeFile) {
	name, bytes := output.OneLine(f.Path), strconv.FormatInt(f.Size, 10)
	if f.Dir {
		name, bytes = name+"/", ""
	}
	if quiet {
		fmt.Fprintln(w, name)
		return
	}
	fmt.Fprintf(w, "%s\t%s\n", name, bytes)
}

// readFile reads a small file of an overlay, from the current revision unless another one is given.
func (cmd overlayFileCommands) readFile(ctx context.Context, overlay, revision, file, inside string) (f apitype.RevisionFile, raw []byte,
	err error,
) {
	_, at, err := revisionPath(overlay, revision)
	if err != nil {
		return f, nil, err
	}
	query := url.Values{"path": {file}}
	if inside != "" {
		query.Set("inside", inside)
	}
	raw, err = cmd.app.call(ctx, http.MethodGet, at+"/file?"+query.Encode(), nil, &f)
	if err == nil && int64(len(f.Data)) < f.Size {
		err = left4me.NewError(left4me.Invalid, "client.file_too_large", "path", output.OneLine(output.Fit(file, 200)), "size", f.Size,
			"overlay", overlay)
	}
	return f, raw, err
}

func (cmd overlayFileCommands) cat() *cobra.Command {
	c := &cobra.Command{
		Use:               "cat NAME PATH",
		Short:             "Print a file of an overlay",
		Args:              between(2, 2, "the name of an overlay and a path"),
		ValidArgsFunction: cmd.app.overlays,
	}
	inside := c.Flags().String("inside", "", "file inside the add-on (VPK) at PATH")
	revision := c.Flags().String("revision", "", "revision (default: the current one)")
	plain := c.Flags().Bool("utf8", false, "print text in another encoding as UTF-8")
	c.RunE = func(c *cobra.Command, args []string) error {
		f, raw, err := cmd.readFile(c.Context(), args[0], *revision, args[1], *inside)
		if err != nil {
			return fmt.Errorf("cat %s of %s: %w", output.OneLine(output.Fit(args[1], 200)), args[0], err)
		}
		if cmd.app.json {
			return cmd.app.print(raw, nil)
		}
		if *plain && f.Encoding != "" {
			f.Data = []byte(f.Text)
		}
		_, err = cmd.app.Out.Write(f.Data)
		return err
	}
	return c
}

func (cmd overlayFileCommands) diff() *cobra.Command {
	c := &cobra.Command{
		Use: "diff NAME [FROM [TO]]", Short: "Compare two revisions (default: the current one and the one before it)",
		Args:              between(1, 3, "the name of an overlay, and up to two revisions"),
		ValidArgsFunction: overlayCommands(cmd).completeRevision,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("diff: %w", err)
		}
		for _, r := range args[1:] {
			if v, err := strconv.Atoi(r); err != nil || v < 0 {
				return left4me.NewError(left4me.Invalid, "usage.diff_revision", "overlay", n, "revision", output.Fit(output.OneLine(r), 40))
			}
		}
		query := url.Values{}
		if len(args) > 2 {
			query.Set("to", args[2])
		}
		if len(args) > 1 {
			query.Set("from", args[1])
		} else {
			var o apitype.Overlay
			if _, err := cmd.app.call(c.Context(), http.MethodGet, path, nil, &o); err != nil {
				return fmt.Errorf("diff %s: %w", n, err)
			}
			for _, r := range o.Content.Revisions { // newest first
				if r.Number < o.Content.Current {
					query.Set("from", strconv.Itoa(r.Number))
					break
				}
			}
		}
		err = list(c.Context(), cmd.app, path+"/diff", query, "CHANGE\tPATH\tFROM\tTO", cmd.app.writeChange)
		if err != nil {
			return fmt.Errorf("diff %s: %w", n, err)
		}
		return nil
	}
	return c
}

func (cmd overlayFileCommands) remove() *cobra.Command {
	c := &cobra.Command{
		Use: "rm NAME PATH...", Short: "Remove files from an overlay", Args: between(2, -1, "the name of an overlay and paths"),
		ValidArgsFunction: cmd.app.overlays,
		Long: "Publish a revision of a files overlay without the given files or directories. Older\n" +
			"revisions keep them; to restore one, use left4me overlay use.",
	}
	note := c.Flags().String("note", "", "reason for the change; stored with the revision")
	wait := c.Flags().Bool("wait", false, "wait until the job has ended")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("rm: %w", err)
		}
		body := apitype.Build{Note: *note, Change: &apitype.FilesChange{Delete: args[1:]}}
		return cmd.app.begin(c.Context(), "remove files of "+string(n), http.MethodPost, path+"/build", body, *wait)
	}
	return c
}

// textChoices completes the handling of texts that are not plain UTF-8.
func textChoices(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{left4me.TextsAsIs + "	unchanged"}, noFiles
}

func (cmd overlayFileCommands) repair() *cobra.Command {
	c := &cobra.Command{
		Use: "repair NAME [PATH...]", Short: "Repair texts that the game misreads",
		Args: between(1, -1, "the name of an overlay, and optionally paths"), ValidArgsFunction: cmd.app.overlays,
		Long: "Publish a revision in which the game and SourceMod read texts as displayed: UTF-8\n" +
			"without a byte order mark, with plain quotation marks and spaces, and with Steam\n" +
			"IDs of admins as STEAM_1:0:123. left4me overlay show lists the problems found.\n" +
			"Without a path, all texts are repaired. The previous revision is unchanged; to\nrestore it, use left4me overlay use.",
	}
	note := c.Flags().String("note", "", "reason for the change; stored with the revision")
	wait := c.Flags().Bool("wait", false, "wait until the job has ended")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, at, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("repair: %w", err)
		}
		paths := args[1:]
		if len(paths) == 0 {
			paths = []string{"."}
		}
		body := apitype.Build{Note: *note, Change: &apitype.FilesChange{Repair: paths}}
		return cmd.app.begin(c.Context(), "repair texts of "+string(n), http.MethodPost, at+"/build", body, *wait)
	}
	return c
}
