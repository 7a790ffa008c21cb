package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/cli/apiclient"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

func (cmd overlayFileCommands) push() *cobra.Command {
	c := &cobra.Command{
		Use: "push NAME DIR|FILE", Short: "Replace the files of a files overlay with a directory, an archive or a file",
		Args: between(2, 2, "the name of an overlay and a directory or file"),
		Long: "Replace all files of a files overlay with a directory, an archive (zip, 7z, rar, tar.*)\n" +
			"or a single file, and publish them as a new revision. With --add, existing files stay.\n" +
			"Destinations are detected from folder names such as left4dead2, addons and cfg;\n" +
			"add-ons go to addons. Damaged add-ons are only published with --force.",
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return cmd.app.overlays(c, args, typed)
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
	}
	var in left4me.Import
	f := c.Flags()
	add := f.Bool("add", false, "keep existing files and add these, replacing files of the same name")
	force := f.Bool("force", false, "publish damaged add-ons too")
	note := f.String("note", "", "reason for the change; stored with the revision")
	plan := f.Bool("plan", false, "only show what would be written")
	wait := f.Bool("wait", false, "wait until the revision is published")
	f.StringVar(&in.Root, "root", "", "destination of the files, such as left4dead2/cfg (default: detected)")
	f.StringVar(&in.Subdir, "subdir", "", "use only this directory of the upload")
	f.StringVar(&in.Names, "names", "",
		"encoding of file names that declare none, such as gbk, big5 or shift_jis; left4me upload names lists them")
	moves := f.StringArray("move", nil,
		"FOLDER=PLACE: put a folder or file of the upload into this place, such as left4dead2/cfg, or exclude it (-); the overlay\n"+
			"remembers the move until FOLDER= is given; may be repeated")
	f.BoolVar(&in.Exact, "exact", false, "use paths unchanged and do not unpack archives")
	f.StringVar(&in.Texts, "texts", "", "as-is keeps UTF-16 and byte order marks in texts (default: texts are saved as UTF-8)")
	_ = c.RegisterFlagCompletionFunc("texts", textChoices)
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return err
		}
		what := "push " + string(n)
		if in.Moves, err = folderMoves(*moves); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		file, err := apiclient.SourceOf(args[1])
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		asked := apitype.UploadChange{Import: in, Replace: !*add}
		err = cmd.upload(c.Context(), what, path, file, func(ctx context.Context, id string) error {
			if *plan {
				return cmd.plan(ctx, id, asked)
			}
			if err := cmd.review(ctx, what, path, id, asked, *force); err != nil {
				return err
			}
			// Once: if a push fails, the user pushes again.
			change := apitype.FilesChange{Upload: id, Import: asked.Import, Replace: asked.Replace, Once: true}
			return cmd.app.begin(ctx, what, http.MethodPost, path+"/build", apitype.Build{Note: *note, Change: &change}, *wait)
		}, *plan)
		return err
	}
	return c
}

// folderMoves parses values of --move.
func folderMoves(all []string) (moves []left4me.FolderMove, err error) {
	for _, m := range all {
		i := strings.LastIndexByte(m, '=')
		if i < 1 {
			return nil, left4me.NewError(left4me.Invalid, "usage.move", "value", output.Fit(m, 80))
		}
		moves = append(moves, left4me.FolderMove{From: m[:i], To: m[i+1:]})
	}
	return moves, nil
}

// moveFlags returns the flags for moves, quoted for a shell. They contain all moves of an answer,
// because a part of them would leave some files in their place.
func moveFlags(all []left4me.FolderMove) string {
	flags := make([]string, len(all))
	for i, m := range all {
		flags[i] = "--move " + left4me.ShellWord(m.From+"="+m.To)
	}
	return strings.Join(flags, " ")
}

// dropWithin is the time limit for deleting an upload that failed.
const dropWithin = 5 * time.Second

// upload sends a file to a new upload of an overlay and calls a function with it. It deletes the
// upload if that fails or if drop is set.
func (cmd overlayFileCommands) upload(ctx context.Context, what, overlay string, file apiclient.Source,
	then func(context.Context, string) error, drop bool,
) (err error) {
	c, err := cmd.app.client()
	if err != nil {
		return err
	}
	var u apitype.Upload
	if _, err := c.Call(ctx, http.MethodPost, overlay+"/uploads", nil, &u); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	done := false
	defer func() {
		if done && !drop {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropWithin)
		defer cancel()
		_, _ = c.Call(ctx, http.MethodDelete, "/uploads/"+url.PathEscape(u.ID), nil, nil) // otherwise it expires later
	}()
	m := cmd.app.newMeter(what, file.Size)
	began := time.Now()
	err = c.SendFile(ctx, u.ID, file, m.Show, func(reason string) {
		if !cmd.app.quiet {
			fmt.Fprintf(cmd.app.Err, "%s; retrying\n", output.OneLine(reason))
		}
	})
	m.End()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if spent := time.Since(began); !cmd.app.quiet && !cmd.app.json {
		fmt.Fprintf(cmd.app.Err, "%s: sent %s in %s\n", what, bytesize.Format(file.Size), spent.Round(100*time.Millisecond))
	}
	err = then(ctx, u.ID)
	done = err == nil || isJob(err) || ctx.Err() != nil
	return err
}

// review prints the excluded, ambiguous and damaged files of an upload before it is published, and the
// files that it removes. Unless force is set, damaged add-ons are an error. It ignores other errors, because
// the job reports the same.
func (cmd overlayFileCommands) review(ctx context.Context, what, overlay, id string, change apitype.UploadChange, force bool) error {
	var p left4me.Plan
	if _, err := cmd.app.call(ctx, http.MethodPost, "/uploads/"+url.PathEscape(id)+"/plan", change, &p); err != nil || p.Problem != nil {
		return nil
	}
	if !cmd.app.quiet && !cmd.app.json {
		cmd.writeUnplaced(cmd.app.Err, p)
		cmd.writeProblems(cmd.app.Err, p)
		if change.Replace {
			cmd.sayRemoved(ctx, what, overlay, p)
		}
	}
	damaged := 0
	for _, v := range p.Warnings {
		if v.Kind == left4me.WarnBroken {
			damaged++
		}
	}
	if damaged > 0 && !force {
		return fmt.Errorf("%s: %s; nothing was changed; --force publishes the files anyway", what, output.Count(damaged, "damaged add-on"))
	}
	return nil
}

// sayRemoved prints how many files a push adds and removes, and the first of those that it removes.
func (cmd overlayFileCommands) sayRemoved(ctx context.Context, what, overlay string, p left4me.Plan) {
	if p.Count > len(p.Files) {
		return // not all files are known
	}
	planned := make(map[string]bool, len(p.Files))
	for _, f := range p.Files {
		planned[f.Path] = true
	}
	var removed []string
	kept := 0
	_, err := pages(ctx, cmd.app, overlay+"/revisions/current/files", url.Values{}, func(page left4me.Page[left4me.TreeFile]) {
		for _, f := range page.Items {
			switch {
			case f.Dir:
			case planned[f.Path]:
				kept++
			default:
				removed = append(removed, f.Path)
			}
		}
	})
	if err != nil || len(removed) == 0 { // such as an overlay without a revision
		return
	}
	fmt.Fprintf(cmd.app.Err, "%s: +%d −%d; removed: %s; --add keeps existing files\n", what, len(planned)-kept, len(removed),
		someFiles(removed, len(removed)))
}

// plan prints what publishing an upload would do.
func (cmd overlayFileCommands) plan(ctx context.Context, id string, change apitype.UploadChange) error {
	var p left4me.Plan
	raw, err := cmd.app.call(ctx, http.MethodPost, "/uploads/"+url.PathEscape(id)+"/plan", change, &p)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if err := cmd.app.print(raw, func(w io.Writer) { cmd.writePlan(w, p) }); err != nil {
		return err
	}
	if p.Problem != nil {
		return fmt.Errorf("plan: %w", p.Problem)
	}
	return nil
}

func (cmd overlayFileCommands) writePlan(w io.Writer, p left4me.Plan) {
	if cmd.app.quiet {
		for _, f := range p.Files {
			fmt.Fprintln(w, output.OneLine(f.Path))
		}
		return
	}
	for _, f := range p.Files {
		note := ""
		if f.Over {
			note = "replaces an existing file"
		}
		if f.From != "" {
			note = "from " + f.From + map[bool]string{true: ", " + note}[note != ""]
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", output.OneLine(f.Path), bytesize.Format(f.Size), output.OneLine(note))
	}
	if more := p.Count - len(p.Files); more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
	for _, s := range p.Repairs {
		fmt.Fprintf(w, "saved as UTF-8\t%s\n", output.OneLine(s))
	}
	for _, s := range p.Skipped {
		fmt.Fprintf(w, "skipped\t%s\n", output.OneLine(s))
	}
	if p.Names != nil {
		for i, n := range p.Names.Examples {
			read := "names would be"
			if i == 0 {
				read = map[bool]string{false: "names are", true: "names are (guessed)"}[p.Names.Guess]
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", read, output.OneLine(n.Encoding), output.OneLine(strings.Join(n.Names, ", ")))
		}
	}
	cmd.writeUnplaced(w, p)
	cmd.writeProblems(w, p)
	if p.Count > 0 {
		fmt.Fprintf(w, "%s, %s\n", output.Count(p.Count, "file"), bytesize.Format(p.Bytes))
	}
}

// someFiles returns the first of n files as text.
func someFiles(files []string, n int) string {
	few := files[:min(len(files), 3)]
	text := output.OneLine(strings.Join(few, ", "))
	if n > len(few) {
		text += fmt.Sprintf(" and %d more", n-len(few))
	}
	return text
}

// writeUnplaced prints the excluded files by reason, and the questions.
func (cmd overlayFileCommands) writeUnplaced(w io.Writer, p left4me.Plan) {
	for _, l := range p.Left {
		fmt.Fprintf(w, "excluded	%s: %s (%s)\n", output.Count(l.Count, "file"), output.OneLine(l.Why), someFiles(l.Files, l.Count))
	}
	for _, q := range p.Asks {
		fmt.Fprintf(w, "unclear\t%s: %s (%s)\n", output.Count(q.Count, "file"), output.OneLine(q.Text), someFiles(q.Files, q.Count))
		for i, c := range q.Choices {
			now := ""
			if i == 0 {
				now = " (default)"
			}
			fmt.Fprintf(w, "\t%s%s: %s\n", output.OneLine(c.Text), now, output.OneLine(moveFlags(c.Moves)))
		}
	}
}

// writeProblems prints the problems of files with their remedies, and the number of unchecked bytes.
func (cmd overlayFileCommands) writeProblems(w io.Writer, p left4me.Plan) {
	for _, v := range p.Warnings {
		text := v.Text
		if v.Path != "" {
			text = v.Path + ": " + text
		}
		if v.Hint != "" {
			text += "; " + v.Hint
		}
		fmt.Fprintf(w, "problem\t%s\n", output.OneLine(text))
	}
	if p.Unread > 0 {
		fmt.Fprintf(w, "not checked\t%s; publishing checks the rest\n", bytesize.Format(p.Unread))
	}
}

// isJob reports whether err is that of a failed job, which has deleted the upload itself.
func isJob(err error) bool {
	var failed *jobError
	return errors.As(err, &failed)
}

// names returns the command that decodes the names in a published archive with another encoding.
func (cmd overlayFileCommands) names() *cobra.Command {
	c := &cobra.Command{
		Use: "names NAME ENCODING", Short: "Change the encoding of names in the last upload",
		Args: between(2, 2, "the name of an overlay and an encoding"),
		Long: "Publish a revision in which the file names of the last upload are decoded with\n" +
			"another encoding. An upload is kept for a week after publishing if its names do not\n" +
			"declare their encoding. left4me upload names lists the encodings.",
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return cmd.app.overlays(c, args, typed)
			}
			return nil, noFiles
		},
	}
	plan := c.Flags().Bool("plan", false, "only show what would be written")
	wait := c.Flags().Bool("wait", false, "wait until the revision is published")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return err
		}
		what := "names of " + string(n)
		var o apitype.Overlay
		if _, err := cmd.app.call(c.Context(), http.MethodGet, path, nil, &o); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		for _, r := range o.Content.Revisions { // newest first
			if r.Archive == nil || time.Now().After(r.Archive.Until) {
				continue
			}
			in := left4me.Import{Names: args[1]}
			if *plan {
				return cmd.plan(c.Context(), r.Archive.Upload, apitype.UploadChange{Import: in})
			}
			change := apitype.FilesChange{Upload: r.Archive.Upload, Import: in}
			return cmd.app.begin(c.Context(), what, http.MethodPost, path+"/build",
				apitype.Build{Note: "names decoded as " + args[1], Change: &change}, *wait)
		}
		return fmt.Errorf("%s: %w", what,
			left4me.NewError(left4me.NotFound, "upload.no_names_in_question"))
	}
	return c
}
