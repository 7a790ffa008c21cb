package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// maxScript is the maximum size of a script, which is also the API's limit.
const maxScript = 256 << 10

// definitionFlags are the flags of create and set. Values without a flag are unchanged.
type definitionFlags struct {
	note, names, script                   string
	items, exclude, keep, cfg             []string
	git, ref, release, tag, asset, subdir string
	refresh, restart, texts               string
	moves                                 []string
}

func (d *definitionFlags) add(f *pflag.FlagSet) {
	f.StringVar(&d.note, "note", "", "description of the overlay")
	f.StringArrayVar(&d.items, "item", nil, "workshop item or collection, as a number or a link; may be repeated")
	f.StringArrayVar(&d.exclude, "exclude", nil, "item to exclude from a collection; may be repeated")
	f.StringVar(&d.names, "names", "", "naming of the files of workshop items: id or original")
	f.StringVar(&d.script, "script", "", "file with the script, or - for standard input")
	f.StringVar(&d.git, "git", "", "URL of a Git repository")
	f.StringVar(&d.ref, "ref", "", "branch, tag or commit (default: the default branch)")
	f.StringVar(&d.release, "release", "", "repository on GitHub as OWNER/NAME, for its releases")
	f.StringVar(&d.tag, "tag", "", "tag of the release (default: the latest release)")
	f.StringVar(&d.asset, "asset", "", "file of the release, or a pattern like *.zip")
	f.StringVar(&d.subdir, "subdir", "", "use only this directory of the repository or archive")
	f.StringArrayVar(&d.keep, "keep", nil, "path or pattern that a newer version must not replace; may be repeated")
	f.StringVar(&d.refresh, "refresh", "", "check for updates every HOURS, or HOURS@HH:MM; 0 disables checks")
	f.StringVar(&d.restart, "restart", "", "when servers with an older revision restart: never, empty (when nobody plays) or HH:MM")
	f.StringVar(&d.texts, "texts", "", "as-is keeps UTF-16 and byte order marks in texts (default: builds save texts as UTF-8)")
	f.StringArrayVar(&d.moves, "move", nil,
		"FOLDER=PLACE: put a folder of uploads or downloads into this place, or exclude it (-);\n"+
			"FOLDER= removes the move; may be repeated")
	f.StringArrayVar(&d.cfg, "cfg", nil, "line for server.cfg of each server that stacks the overlay; may be repeated")
}

// apply changes o according to the given flags.
func (d *definitionFlags) apply(ctx context.Context, a *app, f *pflag.FlagSet, o *apitype.Overlay) error {
	given := f.Changed
	if given("note") {
		o.Note = d.note
	}
	if given("cfg") {
		o.Cfg = d.cfg
	}
	set(given("texts"), &o.Texts, d.texts)
	if given("move") {
		moves, err := folderMoves(d.moves)
		if err != nil {
			return err
		}
		o.Moves = append([]left4me.FolderMove{}, left4me.MergeMoves(o.Moves, moves)...)
	}
	if given("item") || given("exclude") || given("names") || o.Kind == left4me.WorkshopOverlay {
		if o.Workshop == nil {
			o.Workshop = &left4me.Workshop{Entries: []left4me.WorkshopEntry{}}
		}
		if given("item") {
			ids, err := a.workshopIDs(ctx, d.items)
			if err != nil {
				return err
			}
			o.Workshop.Entries = entries(o.Workshop.Entries, ids)
		}
		if given("exclude") {
			ids, err := a.workshopIDs(ctx, d.exclude)
			if err != nil {
				return err
			}
			o.Workshop.Exclude = ids
		}
		if given("names") {
			o.Workshop.Names = d.names
		}
	}
	if given("script") {
		text, err := a.readText(ctx, d.script)
		if err != nil {
			return err
		}
		o.Script = &left4me.Script{Text: text}
	}
	d.source(given, o)
	if err := d.when(given, o); err != nil {
		return err
	}
	return nil
}

// source changes the repository or the release.
func (d *definitionFlags) source(given func(string) bool, o *apitype.Overlay) {
	if given("git") || given("ref") || o.Kind == left4me.GitOverlay {
		if o.Git == nil {
			o.Git = &left4me.Git{}
		}
		set(given("git"), &o.Git.URL, d.git)
		set(given("ref"), &o.Git.Ref, d.ref)
		set(given("subdir"), &o.Git.Subdir, d.subdir)
		set(given("keep"), &o.Git.Keep, d.keep)
		return
	}
	if given("release") || given("tag") || given("asset") || o.Kind == left4me.ReleaseOverlay {
		if o.Release == nil {
			o.Release = &left4me.Release{}
		}
		set(given("release"), &o.Release.Repository, d.release)
		set(given("tag"), &o.Release.Tag, d.tag)
		set(given("asset"), &o.Release.Asset, d.asset)
		set(given("subdir"), &o.Release.Subdir, d.subdir)
		set(given("keep"), &o.Release.Keep, d.keep)
	}
}

// when changes the update schedule.
func (d *definitionFlags) when(given func(string) bool, o *apitype.Overlay) error {
	if given("refresh") {
		hours, at, _ := strings.Cut(d.refresh, "@")
		n, err := strconv.Atoi(hours)
		if err != nil {
			return left4me.NewError(left4me.Invalid, "usage.refresh_hours", "value", output.Fit(d.refresh, 40))
		}
		o.Refresh.Hours, o.Refresh.At = n, at
	}
	set(given("restart"), &o.Refresh.Restart, d.restart)
	return nil
}

func set[T any](given bool, dst *T, v T) {
	if given {
		*dst = v
	}
}

// entries returns entries for ids and keeps frozen items of existing entries.
func entries(old []left4me.WorkshopEntry, ids []left4me.WorkshopID) []left4me.WorkshopEntry {
	all := make([]left4me.WorkshopEntry, len(ids))
	for i, id := range ids {
		all[i].ID = id
		for _, e := range old {
			if e.ID == id {
				all[i] = e
			}
		}
	}
	return all
}

// definitionOf returns the definition of an overlay for a request.
func definitionOf(o apitype.Overlay) apitype.OverlayDefinition {
	d := apitype.OverlayDefinition{
		Kind: string(o.Kind), Note: o.Note, Workshop: o.Workshop, Script: o.Script, Git: o.Git, Release: o.Release, Refresh: o.Refresh,
		Texts: o.Texts, Moves: o.Moves, Cfg: append([]string{}, o.Cfg...),
	}
	if o.Script != nil {
		d.Script = &left4me.Script{Text: o.Script.Text}
	}
	return d
}

func (cmd overlayCommands) create() *cobra.Command {
	var (
		d    definitionFlags
		kind string
	)
	c := &cobra.Command{
		Use: "create NAME", Short: "Create an overlay", Args: one("the name of an overlay"), ValidArgsFunction: cobra.NoFileCompletions,
		Long: "Create an overlay. Only --build starts a build. To send files, use\nleft4me overlay push.",
	}
	c.Flags().StringVar(&kind, "kind", "", "files, workshop, script, git or release (default: determined by the other flags)")
	d.add(c.Flags())
	build := c.Flags().Bool("build", false, "start the first build")
	wait := c.Flags().Bool("wait", false, "wait until the build has ended")
	cmd.definitionCompletion(c)
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions([]string{"files", "workshop", "script", "git", "release"}, noFiles))
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("create overlay: %w", err)
		}
		if *wait && !*build {
			return left4me.NewError(left4me.Invalid, "usage.create_waits_for_nothing", "overlay", n)
		}
		o := apitype.Overlay{Name: n, Kind: left4me.OverlayKind(kind)}
		err = d.apply(c.Context(), cmd.app, c.Flags(), &o)
		if err == nil && kind == "" {
			o.Kind, err = kindOf(o)
		}
		if err != nil {
			return fmt.Errorf("create overlay %s: %w", n, err)
		}
		raw, err := cmd.app.call(c.Context(), http.MethodPost, "/overlays",
			apitype.NewOverlay{Name: string(n), OverlayDefinition: definitionOf(o)}, nil)
		if err != nil {
			return fmt.Errorf("create overlay %s: %w", n, err)
		}
		if *build {
			return cmd.app.begin(c.Context(), "build "+string(n), http.MethodPost, path+"/build", nil, *wait)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "overlay %s created\n", n)
			}
		})
	}
	return c
}

// kindOf returns the kind of an overlay that its other settings imply.
func kindOf(o apitype.Overlay) (left4me.OverlayKind, error) {
	var kinds []left4me.OverlayKind
	for k, there := range map[left4me.OverlayKind]bool{
		left4me.WorkshopOverlay: o.Workshop != nil, left4me.ScriptOverlay: o.Script != nil, left4me.GitOverlay: o.Git != nil,
		left4me.ReleaseOverlay: o.Release != nil,
	} {
		if there {
			kinds = append(kinds, k)
		}
	}
	switch len(kinds) {
	case 0:
		return left4me.FilesOverlay, nil
	case 1:
		return kinds[0], nil
	}
	return "", left4me.NewError(left4me.Invalid, "usage.several_kinds")
}

func (cmd overlayCommands) set() *cobra.Command {
	var d definitionFlags
	c := &cobra.Command{
		Use: "set NAME", Short: "Change the definition of an overlay; other values are unchanged", Args: one("the name of an overlay"),
		ValidArgsFunction: cmd.app.overlays,
	}
	d.add(c.Flags())
	build := c.Flags().Bool("build", false, "start a build")
	wait := c.Flags().Bool("wait", false, "wait until the build has ended")
	cmd.definitionCompletion(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return cmd.change(c, args[0], *build, *wait, func(o *apitype.Overlay) error { return d.apply(c.Context(), cmd.app, c.Flags(), o) })
	}
	return c
}

func (cmd overlayCommands) definitionCompletion(c *cobra.Command) {
	_ = c.RegisterFlagCompletionFunc("names", cobra.FixedCompletions([]string{"id", "original"}, noFiles))
	_ = c.RegisterFlagCompletionFunc("restart", cobra.FixedCompletions([]string{"never", "empty"}, noFiles))
}

// change reads a definition, changes it and writes it back. If another user changed it in the
// meantime, nothing is written.
func (cmd overlayCommands) change(c *cobra.Command, arg string, build, wait bool, change func(*apitype.Overlay) error) error {
	n, path, err := overlayPath(arg)
	if err != nil {
		return fmt.Errorf("%s: %w", name(c), err)
	}
	if wait && !build {
		return left4me.NewError(left4me.Invalid, "usage.waits_for_nothing", "command", name(c), "overlay", n)
	}
	var o apitype.Overlay
	if _, err = cmd.app.call(c.Context(), http.MethodGet, path, nil, &o); err == nil {
		err = change(&o)
	}
	var raw []byte
	if err == nil {
		raw, err = cmd.app.call(c.Context(), http.MethodPut, path,
			apitype.ChangedOverlay{OverlayDefinition: definitionOf(o), Version: o.Version}, nil)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", name(c), n, err)
	}
	if build {
		return cmd.app.begin(c.Context(), "build "+string(n), http.MethodPost, path+"/build", nil, wait)
	}
	return cmd.app.print(raw, func(w io.Writer) {
		if !cmd.app.quiet {
			fmt.Fprintf(w, "overlay %s changed; no build started\n", n)
		}
	})
}
