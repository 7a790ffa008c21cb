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

// overlayCommands are the subcommands of left4me overlay, for overlays and their revisions.
type overlayCommands struct{ app *app }

func (cmd overlayCommands) command() *cobra.Command {
	files := overlayFileCommands(cmd)
	return group("overlay", "Manage overlays and their revisions",
		cmd.list(), cmd.show(), cmd.create(), cmd.set(), cmd.build(), cmd.use(),
		cmd.revisions(), cmd.label(), cmd.drop(), files.list(), files.cat(), files.diff(), files.edit(),
		files.remove(), files.repair(),
		cmd.addItems(), cmd.removeItems(), cmd.freeze(), cmd.unfreeze(), cmd.moves(), cmd.stay(),
		files.push(), files.names(), files.pull(), cmd.rename(), cmd.delete(), cmd.restore())
}

// overlayPath returns the path of an overlay in the API.
func overlayPath(arg string) (left4me.Name, string, error) {
	n, err := left4me.ParseName(arg)
	return n, "/overlays/" + string(n), err
}

func (cmd overlayCommands) list() *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List overlays", Args: NoArguments}
	deleted := c.Flags().Bool("deleted", false, "include deleted overlays, which can be restored")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []apitype.Overlay
		raw, err := cmd.app.call(c.Context(), http.MethodGet, "/overlays", nil, &all)
		if err != nil {
			return fmt.Errorf("list overlays: %w", err)
		}
		if !*deleted {
			all = slices.DeleteFunc(all, func(o apitype.Overlay) bool { return !o.DeletedAt.IsZero() })
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if cmd.app.quiet {
				for _, o := range all {
					fmt.Fprintln(w, o.Name)
				}
				return
			}
			fmt.Fprintln(w, "NAME\tKIND\tREVISION\tFILES\tSIZE\tUSED BY\tNOTE")
			for _, o := range all {
				revision, files, bytes := "none", "", ""
				if v, ok := currentRevision(o); ok {
					revision, files, bytes = strconv.Itoa(v.Number), strconv.Itoa(v.Files), bytesize.Format(v.Bytes)
				}
				if !o.DeletedAt.IsZero() {
					revision = "deleted"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", o.Name, output.OneLine(string(o.Kind)), revision, files, bytes,
					output.Count(len(o.Servers), "server"), output.OneLine(output.Fit(o.Note, 60)))
			}
		})
	}
	return c
}

// currentRevision returns the revision that servers start with.
func currentRevision(o apitype.Overlay) (left4me.Revision, bool) {
	i := slices.IndexFunc(o.Content.Revisions, func(r left4me.Revision) bool { return r.Number == o.Content.Current })
	if i < 0 {
		return left4me.Revision{}, false
	}
	return o.Content.Revisions[i], true
}

func (cmd overlayCommands) show() *cobra.Command {
	c := &cobra.Command{
		Use:               "show NAME",
		Short:             "Show an overlay with its warnings and workshop items",
		Args:              one("the name of an overlay"),
		ValidArgsFunction: cmd.app.overlays,
	}
	script := c.Flags().Bool("script", false, "print only its script")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("show overlay: %w", err)
		}
		var o apitype.Overlay
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path, nil, &o)
		if err != nil {
			return fmt.Errorf("show overlay %s: %w", n, err)
		}
		if *script {
			if o.Script == nil {
				return left4me.NewError(left4me.Invalid, "usage.overlay_without_script", "overlay", n, "kind",
					output.OneLine(string(o.Kind)))
			}
			_, err := io.WriteString(cmd.app.Out, o.Script.Text)
			return err
		}
		var details left4me.Content
		if o.Content.Current > 0 && o.DeletedAt.IsZero() && !cmd.app.json {
			// Without them, the rest of the output is still useful.
			_, _ = cmd.app.call(c.Context(), http.MethodGet, path+"/revisions/current", nil, &details)
		}
		return cmd.app.print(raw, func(w io.Writer) { writeOverlay(w, o, details) })
	}
	return c
}

func writeOverlay(w io.Writer, o apitype.Overlay, details left4me.Content) {
	output.Row(w, "name", string(o.Name))
	output.Row(w, "name on host", string(o.NameOnHost))
	output.Row(w, "kind", string(o.Kind))
	output.Row(w, "note", o.Note)
	output.Row(w, "host", o.Problem)
	if !o.DeletedAt.IsZero() {
		until := ""
		if !o.Content.GoneAt.IsZero() {
			until = ", can be restored until " + output.Moment(o.Content.GoneAt)
		}
		output.Row(w, "deleted", output.Moment(o.DeletedAt)+until)
	}
	if s := o.Workshop; s != nil {
		for _, e := range s.Entries {
			text := string(e.ID)
			if len(e.Frozen) > 0 {
				text += fmt.Sprintf(", frozen with %s", output.Count(len(e.Frozen), "item"))
			}
			output.Row(w, "item", text)
		}
		for _, id := range s.Exclude {
			output.Row(w, "excluded", string(id))
		}
		output.Row(w, "names", s.Names)
	}
	if s := o.Script; s != nil {
		output.Row(w, "script",
			fmt.Sprintf("version %d, %s", s.Version, output.Count(strings.Count(strings.TrimRight(s.Text, "\n"), "\n")+1, "line")))
	}
	if g := o.Git; g != nil {
		output.Row(w, "repository", g.URL)
		output.Row(w, "ref", g.Ref)
		output.Row(w, "beneath", g.Subdir)
		output.Row(w, "keep", strings.Join(g.Keep, " "))
	}
	if r := o.Release; r != nil {
		output.Row(w, "repository", r.Repository)
		output.Row(w, "tag", r.Tag)
		output.Row(w, "asset", r.Asset)
		output.Row(w, "beneath", r.Subdir)
		output.Row(w, "keep", strings.Join(r.Keep, " "))
	}
	output.Row(w, "refresh", refreshText(o.Refresh))
	if o.Texts != "" {
		output.Row(w, "texts", output.OneLine(o.Texts))
	}
	for _, m := range o.Moves {
		output.Row(w, "move", output.OneLine(m.From+"="+m.To))
	}
	if !o.CheckedAt.IsZero() {
		output.Row(w, "looked", output.Moment(o.CheckedAt))
	}
	for _, l := range o.Cfg {
		output.Row(w, "cfg", l)
	}
	output.Row(w, "blueprints", output.Joined(o.Blueprints))
	output.Row(w, "servers", output.Joined(o.Servers))
	if v, ok := currentRevision(o); ok {
		output.Row(w, "revision", revisionText(v))
		output.Row(w, "disk", fmt.Sprintf("%s of its own, %s shared", bytesize.Format(o.Content.Own), bytesize.Format(o.Content.Shared)))
	} else if o.Problem == "" {
		output.Row(w, "revision", "none yet")
	}
	for _, v := range details.Revisions {
		if v.Number == details.Current {
			writeDetails(w, v)
			if n := fixable(v.Warnings); n > 0 {
				output.Row(w, "repair", fmt.Sprintf("left4me overlay repair %s fixes %s", o.Name, output.Count(n, "warning")))
			}
		}
	}
	if o.Job != nil {
		output.Row(w, "job", fmt.Sprintf("%s %s, %s", o.Job.Kind.Verb(), o.Job.State, o.Job.ID))
	}
}

// fixable counts the warnings that overlay repair can fix.
func fixable(all []left4me.Warning) (n int) {
	for _, w := range all {
		if w.Fix {
			n++
		}
	}
	return n
}

// writeDetails prints a revision's warnings, campaigns and items.
func writeDetails(w io.Writer, v left4me.Revision) {
	for _, x := range v.Warnings {
		text := x.Text
		if x.Path != "" {
			text = x.Path + ": " + text
		}
		if x.Hint != "" {
			text += "; " + x.Hint
		}
		output.Row(w, "warning", text)
	}
	for _, c := range v.Campaigns {
		output.Row(w, "campaign", c.Title)
	}
	for _, i := range v.Items {
		text := string(i.ID) + " " + i.State
		if i.Title != "" {
			text += ", " + i.Title
		}
		if i.Text != "" {
			text += ": " + i.Text
		}
		output.Row(w, "workshop", text)
	}
}

func refreshText(r left4me.Refresh) string {
	if r.Hours == 0 {
		return "never"
	}
	text := fmt.Sprintf("every %d hours", r.Hours)
	if r.At != "" {
		text += " at " + r.At
	}
	switch r.Restart {
	case "", "never":
	case "empty":
		text += ", restarts servers when nobody plays"
	default:
		text += ", restarts servers at " + r.Restart
	}
	return text
}

// revisionText describes a revision in one line.
func revisionText(v left4me.Revision) string {
	text := fmt.Sprintf("%d of %s, %s, %s", v.Number, output.Moment(v.CreatedAt), output.Count(v.Files, "file"), bytesize.Format(v.Bytes))
	if v.Label != "" {
		text += ", " + v.Label
	}
	if v.Warned > 0 {
		text += ", " + output.Count(v.Warned, "warning")
	}
	return text
}

func (cmd overlayCommands) build() *cobra.Command {
	var in apitype.Build
	c := &cobra.Command{
		Use: "build NAME", Aliases: []string{"refresh"}, Short: "Build a revision if anything changed",
		Args: one("the name of an overlay"), ValidArgsFunction: cmd.app.overlays,
		Long: "Build a revision of an overlay of workshop items, a script, a repository or a\n" +
			"release, if anything changed. To send files, use left4me overlay push.",
	}
	c.Flags().StringVar(&in.Note, "note", "", "reason for the change; stored with the revision")
	wait := c.Flags().Bool("wait", false, "wait until the job has ended")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("build: %w", err)
		}
		return cmd.app.begin(c.Context(), "build "+string(n), http.MethodPost, path+"/build", in, *wait)
	}
	return c
}

func (cmd overlayCommands) rename() *cobra.Command {
	c := &cobra.Command{
		Short: "Rename an overlay",
		Long: "Rename an overlay, even while servers use it. Servers and blueprints refer to it by\n" +
			"the new name and need no restart. Its directory on the host keeps the old name, which\n" +
			"no other overlay can have.",
		ValidArgsFunction: cmd.app.overlays,
	}
	return cmd.app.renaming(c, "an overlay", "its files keep the old name on the host", overlayPath)
}

func (cmd overlayCommands) delete() *cobra.Command {
	c := &cobra.Command{
		Use:               "delete NAME",
		Short:             "Delete an overlay; it can be restored for some days",
		Args:              one("the name of an overlay"),
		ValidArgsFunction: cmd.app.overlays,
	}
	wait := c.Flags().Bool("wait", false, "wait until the job has ended")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("delete overlay: %w", err)
		}
		return cmd.app.begin(c.Context(), "delete overlay "+string(n), http.MethodDelete, path, nil, *wait)
	}
	return c
}

func (cmd overlayCommands) restore() *cobra.Command {
	c := &cobra.Command{
		Use:               "restore NAME",
		Short:             "Restore a deleted overlay",
		Args:              one("the name of an overlay"),
		ValidArgsFunction: cmd.app.overlays,
	}
	wait := c.Flags().Bool("wait", false, "wait until the job has ended")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("restore overlay: %w", err)
		}
		return cmd.app.begin(c.Context(), "restore overlay "+string(n), http.MethodPost, path+"/restore", nil, *wait)
	}
	return c
}
