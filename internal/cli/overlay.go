package cli

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/left4me"
)

// overlay is what the commands show and change of an overlay.
type overlay struct {
	Name       left4me.Name         `json:"name"`
	Kind       left4me.OverlayKind  `json:"kind"`
	Note       string               `json:"note,omitempty"`
	Workshop   *left4me.Workshop    `json:"workshop,omitempty"`
	Script     *left4me.Script      `json:"script,omitempty"`
	Git        *left4me.Git         `json:"git,omitempty"`
	Release    *left4me.Release     `json:"release,omitempty"`
	Refresh    left4me.Refresh      `json:"refresh"`
	Texts      string               `json:"texts"`
	Moves      []left4me.FolderMove `json:"moves"`
	Cfg        []string             `json:"cfg,omitempty"`
	Version    int                  `json:"version"`
	LookedAt   *time.Time           `json:"looked_at"`
	DeletedAt  *time.Time           `json:"deleted_at"`
	Content    left4me.Content      `json:"content"`
	Problem    string               `json:"problem"`
	Blueprints []left4me.Name       `json:"blueprints"`
	Servers    []left4me.Name       `json:"servers"`
	Job        *struct {
		ID    string           `json:"id"`
		Kind  left4me.JobKind  `json:"kind"`
		State left4me.JobState `json:"state"`
	} `json:"job"`
}

func (a *app) overlayCommand() *cobra.Command {
	return group("overlay", "Named pieces of content",
		a.overlayList(), a.overlayShow(), a.overlayCreate(), a.overlaySet(), a.overlayBuild(), a.overlayUse(),
		a.overlayRevisions(), a.overlayLabel(), a.overlayDrop(), a.overlayFiles(), a.overlayCat(), a.overlayDiff(), a.overlayEdit(),
		a.overlayRemoveFiles(), a.overlayRepair(),
		a.overlayAdd(), a.overlayRemove(), a.overlayFreeze(), a.overlayUnfreeze(), a.overlayMoves(), a.overlayStay(),
		a.overlayPush(), a.overlayNames(), a.overlayPull(), a.overlayDelete(), a.overlayRestore())
}

// overlayPath is where an overlay is in the API.
func overlayPath(arg string) (left4me.Name, string, error) {
	n, err := left4me.ParseName(arg)
	return n, "/overlays/" + string(n), err
}

// overlays completes the first argument of a command with names of overlays.
func (a *app) overlays(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return slices.DeleteFunc(a.names(c, "/overlays", "name"), func(n string) bool { return !left4me.Name(n).Valid() }), noFiles
}

// between says that a command takes from least to most arguments; -1 is no bound.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return usagef("%s takes %s; see: %s --help", name(c), what, c.CommandPath())
		}
		return nil
	}
}

func (a *app) overlayList() *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List overlays", Args: NoArguments}
	deleted := c.Flags().Bool("deleted", false, "deleted ones too, which can be taken back")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []overlay
		raw, err := a.call(c.Context(), http.MethodGet, "/overlays", nil, &all)
		if err != nil {
			return fmt.Errorf("list overlays: %w", err)
		}
		if !*deleted {
			all = slices.DeleteFunc(all, func(o overlay) bool { return o.DeletedAt != nil })
		}
		return a.print(raw, func(w io.Writer) {
			if a.quiet {
				for _, o := range all {
					fmt.Fprintln(w, o.Name)
				}
				return
			}
			fmt.Fprintln(w, "NAME\tKIND\tREVISION\tFILES\tSIZE\tUSED BY\tNOTE")
			for _, o := range all {
				revision, files, bytes := "none", "", ""
				if v, ok := o.current(); ok {
					revision, files, bytes = strconv.Itoa(v.Number), strconv.Itoa(v.Files), size(v.Bytes)
				}
				if o.DeletedAt != nil {
					revision = "deleted"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", o.Name, oneLine(string(o.Kind)), revision, files, bytes,
					count(len(o.Servers), "server"), oneLine(fit(o.Note, 60)))
			}
		})
	}
	return c
}

// count is "3 servers".
func count(n int, noun string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// current is the revision that servers start with.
func (o overlay) current() (left4me.Revision, bool) {
	i := slices.IndexFunc(o.Content.Revisions, func(r left4me.Revision) bool { return r.Number == o.Content.Current })
	if i < 0 {
		return left4me.Revision{}, false
	}
	return o.Content.Revisions[i], true
}

func (a *app) overlayShow() *cobra.Command {
	c := &cobra.Command{
		Use:               "show NAME",
		Short:             "Show an overlay with its warnings and workshop items",
		Args:              one("the name of an overlay"),
		ValidArgsFunction: a.overlays,
	}
	script := c.Flags().Bool("script", false, "print its script and nothing else")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("show overlay: %w", err)
		}
		var o overlay
		raw, err := a.call(c.Context(), http.MethodGet, path, nil, &o)
		if err != nil {
			return fmt.Errorf("show overlay %s: %w", n, err)
		}
		if *script {
			if o.Script == nil {
				return usagef("show overlay %s: it is a %s overlay and has no script", n, oneLine(string(o.Kind)))
			}
			_, err := io.WriteString(a.Out, o.Script.Text)
			return err
		}
		var details left4me.Content
		if o.Content.Current > 0 && o.DeletedAt == nil && !a.json {
			// What it says besides is of use without it.
			_, _ = a.call(c.Context(), http.MethodGet, path+"/revisions/current", nil, &details)
		}
		return a.print(raw, func(w io.Writer) { writeOverlay(w, o, details) })
	}
	return c
}

func writeOverlay(w io.Writer, o overlay, details left4me.Content) {
	row(w, "name", string(o.Name))
	row(w, "kind", string(o.Kind))
	row(w, "note", o.Note)
	row(w, "host", o.Problem)
	if o.DeletedAt != nil {
		until := ""
		if !o.Content.GoneAt.IsZero() {
			until = ", can be taken back until " + moment(o.Content.GoneAt)
		}
		row(w, "deleted", moment(*o.DeletedAt)+until)
	}
	if s := o.Workshop; s != nil {
		for _, e := range s.Entries {
			text := string(e.ID)
			if len(e.Frozen) > 0 {
				text += fmt.Sprintf(", frozen with %s", count(len(e.Frozen), "item"))
			}
			row(w, "item", text)
		}
		for _, id := range s.Exclude {
			row(w, "left out", string(id))
		}
		row(w, "names", s.Names)
	}
	if s := o.Script; s != nil {
		row(w, "script", fmt.Sprintf("version %d, %s", s.Version, count(strings.Count(strings.TrimRight(s.Text, "\n"), "\n")+1, "line")))
	}
	if g := o.Git; g != nil {
		row(w, "repository", g.URL)
		row(w, "ref", g.Ref)
		row(w, "beneath", g.Subdir)
		row(w, "keep", strings.Join(g.Keep, " "))
	}
	if r := o.Release; r != nil {
		row(w, "repository", r.Repository)
		row(w, "tag", r.Tag)
		row(w, "asset", r.Asset)
		row(w, "beneath", r.Subdir)
		row(w, "keep", strings.Join(r.Keep, " "))
	}
	row(w, "refresh", refreshText(o.Refresh))
	if o.Texts != "" {
		row(w, "texts", oneLine(o.Texts))
	}
	for _, m := range o.Moves {
		row(w, "move", oneLine(m.From+"="+m.To))
	}
	if o.LookedAt != nil {
		row(w, "looked", moment(*o.LookedAt))
	}
	for _, l := range o.Cfg {
		row(w, "cfg", l)
	}
	row(w, "blueprints", joined(o.Blueprints))
	row(w, "servers", joined(o.Servers))
	if v, ok := o.current(); ok {
		row(w, "revision", revisionText(v))
		row(w, "disk", fmt.Sprintf("%s of its own, %s shared", size(o.Content.Own), size(o.Content.Shared)))
	} else if o.Problem == "" {
		row(w, "revision", "none yet")
	}
	for _, v := range details.Revisions {
		if v.Number == details.Current {
			writeDetails(w, v)
			if n := fixable(v.Warnings); n > 0 {
				row(w, "repair", fmt.Sprintf("left4me overlay repair %s mends %s", o.Name, count(n, "warning")))
			}
		}
	}
	if o.Job != nil {
		row(w, "job", fmt.Sprintf("%s %s, %s", o.Job.Kind.Verb(), o.Job.State, o.Job.ID))
	}
}

// fixable counts the warnings that left4me can mend when it is asked.
func fixable(all []left4me.Warning) (n int) {
	for _, w := range all {
		if w.Fix {
			n++
		}
	}
	return n
}

// writeDetails shows what is known of a revision besides its numbers.
func writeDetails(w io.Writer, v left4me.Revision) {
	for _, x := range v.Warnings {
		text := x.Text
		if x.Path != "" {
			text = x.Path + ": " + text
		}
		if x.Hint != "" {
			text += "; " + x.Hint
		}
		row(w, "warning", text)
	}
	for _, c := range v.Campaigns {
		row(w, "campaign", c.Title)
	}
	for _, i := range v.Items {
		text := string(i.ID) + " " + i.State
		if i.Title != "" {
			text += ", " + i.Title
		}
		if i.Text != "" {
			text += ": " + i.Text
		}
		row(w, "workshop", text)
	}
}

func joined(names []left4me.Name) string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = string(n)
	}
	return strings.Join(all, " ")
}

func refreshText(r left4me.Refresh) string {
	if r.Hours == 0 {
		return "never"
	}
	text := fmt.Sprintf("each %d hours", r.Hours)
	if r.At != "" {
		text += " at " + r.At
	}
	switch r.Restart {
	case "", "never":
	case "empty":
		text += ", restarts servers that are empty"
	default:
		text += ", restarts servers at " + r.Restart
	}
	return text
}

// revisionText is a revision in a line.
func revisionText(v left4me.Revision) string {
	text := fmt.Sprintf("%d of %s, %s, %s", v.Number, moment(v.CreatedAt), count(v.Files, "file"), size(v.Bytes))
	if v.Label != "" {
		text += ", " + v.Label
	}
	if v.Warned > 0 {
		text += ", " + count(v.Warned, "warning")
	}
	return text
}

func (a *app) overlayBuild() *cobra.Command {
	var in struct {
		Note string `json:"note,omitempty"`
	}
	c := &cobra.Command{
		Use: "build NAME", Aliases: []string{"refresh"}, Short: "Make a revision, if anything changed",
		Args: one("the name of an overlay"), ValidArgsFunction: a.overlays,
		Long: "Make a revision of an overlay of workshop items, a script, a repository or a\n" +
			"release, if anything changed. Files are pushed: left4me overlay push.",
	}
	c.Flags().StringVar(&in.Note, "note", "", "why; it stays with the revision")
	wait := c.Flags().Bool("wait", false, "wait until it is done")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("build: %w", err)
		}
		return a.begin(c.Context(), "build "+string(n), http.MethodPost, path+"/build", in, *wait)
	}
	return c
}

func (a *app) overlayDelete() *cobra.Command {
	c := &cobra.Command{
		Use:               "delete NAME",
		Short:             "Delete an overlay; it can be taken back for some days",
		Args:              one("the name of an overlay"),
		ValidArgsFunction: a.overlays,
	}
	wait := c.Flags().Bool("wait", false, "wait until it is done")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("delete overlay: %w", err)
		}
		return a.begin(c.Context(), "delete overlay "+string(n), http.MethodDelete, path, nil, *wait)
	}
	return c
}

func (a *app) overlayRestore() *cobra.Command {
	c := &cobra.Command{
		Use:               "restore NAME",
		Short:             "Take a deleted overlay back",
		Args:              one("the name of an overlay"),
		ValidArgsFunction: a.overlays,
	}
	wait := c.Flags().Bool("wait", false, "wait until it is done")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("restore overlay: %w", err)
		}
		return a.begin(c.Context(), "restore overlay "+string(n), http.MethodPost, path+"/restore", nil, *wait)
	}
	return c
}
