package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/left4me"
)

func (a *app) overlayPush() *cobra.Command {
	c := &cobra.Command{
		Use: "push NAME DIR|FILE", Short: "Send a directory, an archive or a file to a files overlay",
		Args: between(2, 2, "the name of an overlay and what to send"),
		Long: "Send a directory, an archive (zip, 7z, rar, tar.*) or a single file to a files\n" +
			"overlay, and make a revision of it. Where its files belong is found out:\n" +
			"left4dead2, addons, cfg and so on in it say so, and add-ons go to addons. The\n" +
			"revision has nothing else, unless --add puts the files over those that are there.",
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return a.overlays(c, args, typed)
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
	}
	var in left4me.Import
	f := c.Flags()
	add := f.Bool("add", false, "put the files over those that are there")
	note := f.String("note", "", "why; it stays with the revision")
	plan := f.Bool("plan", false, "only say what would be written")
	wait := f.Bool("wait", false, "wait until the revision is made")
	f.StringVar(&in.Root, "root", "", "where the files go, like left4dead2/cfg, instead of finding it out")
	f.StringVar(&in.Subdir, "subdir", "", "only what is beneath this directory of it")
	f.StringVar(&in.Names, "names", "",
		"the encoding of file names that say none, like gbk, big5 or shift_jis; left4me upload names lists them")
	moves := f.StringArray("move", nil,
		"FOLDER=PLACE: a folder or file of it goes to this place, like left4dead2/cfg, or - to leave it out; the overlay remembers it,\n"+
			"and FOLDER= forgets it; may be repeated")
	f.BoolVar(&in.Exact, "exact", false, "leave paths and archives as they are")
	f.StringVar(&in.Texts, "texts", "", "as-is leaves texts that are UTF-16 or begin with a byte order mark; else they are saved as UTF-8")
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
		file, err := toSend(args[1])
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		change := map[string]any{"import": in, "replace": !*add, "once": true} // who fails to push pushes again
		err = a.push(c.Context(), what, path, file, func(ctx context.Context, id string) error {
			if *plan {
				delete(change, "once")
				return a.plan(ctx, id, change)
			}
			if !a.quiet && !a.json {
				a.sayUnplaced(c.Context(), id, change)
			}
			change["upload"] = id
			return a.begin(ctx, what, http.MethodPost, path+"/build", map[string]any{"note": *note, "change": change}, *wait)
		}, *plan)
		return err
	}
	return c
}

// folderMoves reads values of --move.
func folderMoves(all []string) (moves []left4me.FolderMove, err error) {
	for _, m := range all {
		i := strings.LastIndexByte(m, '=')
		if i < 1 {
			return nil, usagef("--move: %q names no folder and place; write one like docs=left4dead2/cfg", fit(m, 80))
		}
		moves = append(moves, left4me.FolderMove{From: m[:i], To: m[i+1:]})
	}
	return moves, nil
}

// moveFlags is what folderMoves reads, for a shell. All of an answer is in it: part
// of one would leave the rest of its files where they are.
func moveFlags(all []left4me.FolderMove) string {
	flags := make([]string, len(all))
	for i, m := range all {
		flags[i] = "--move " + left4me.ShellWord(m.From+"="+m.To)
	}
	return strings.Join(flags, " ")
}

// toSend is what is sent for an argument: a directory as a tar.
func toSend(name string) (sent, error) {
	st, err := os.Stat(name)
	if err != nil {
		return sent{}, left4me.Errorf(left4me.Invalid, "%s", err.Error()).WithHint("name a directory or a file")
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return sent{}, err
	}
	if st.IsDir() {
		// What the argument is may be a link; what is in it may not.
		abs, err = filepath.EvalSymlinks(abs)
		if err != nil {
			return sent{}, err
		}
		s, err := newTarStream(abs)
		if err != nil {
			return sent{}, err
		}
		return sent{
			name: filepath.Base(abs) + ".tar",
			size: s.size,
			from: func(offset int64) (io.ReadCloser, error) { return s.from(offset), nil },
		}, nil
	}
	if !st.Mode().IsRegular() {
		return sent{}, left4me.Errorf(left4me.Invalid, "%s is neither a file nor a directory", name)
	}
	return sent{name: filepath.Base(abs), size: st.Size(), from: func(offset int64) (io.ReadCloser, error) {
		f, err := os.Open(abs)
		if err != nil {
			return nil, err
		}
		now, err := f.Stat()
		if err == nil && (now.Size() != st.Size() || !now.ModTime().Equal(st.ModTime())) {
			err = left4me.Errorf(left4me.Conflict, "%s changed while it was sent", name).WithHint("try again")
		}
		if err == nil {
			_, err = f.Seek(offset, io.SeekStart)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}}, nil
}

// push sends a file to a new upload of an overlay and does something with it. The
// upload is dropped when that fails, or drop says so.
func (a *app) push(ctx context.Context, what, overlay string, file sent, then func(context.Context, string) error, drop bool) (err error) {
	c, err := a.client()
	if err != nil {
		return err
	}
	var u upload
	if _, err := c.Call(ctx, http.MethodPost, overlay+"/uploads", nil, &u); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	done := false
	defer func() {
		if done && !drop {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dialWithin)
		defer cancel()
		_, _ = c.Call(ctx, http.MethodDelete, "/uploads/"+url.PathEscape(u.ID), nil, nil) // else it goes by itself, later
	}()
	m := a.newMeter(what, file.size)
	began := time.Now()
	err = a.sendFile(ctx, c, u.ID, file, m.show)
	m.end()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if spent := time.Since(began); !a.quiet && !a.json {
		fmt.Fprintf(a.Err, "%s: sent %s in %s\n", what, size(file.size), spent.Round(100*time.Millisecond))
	}
	err = then(ctx, u.ID)
	done = err == nil || isJob(err) || ctx.Err() != nil
	return err
}

// sayUnplaced says before a push what of it is left out or unclear. What can't be
// asked is said by the job.
func (a *app) sayUnplaced(ctx context.Context, id string, change map[string]any) {
	asked := maps.Clone(change)
	delete(asked, "once")
	var p left4me.Plan
	if _, err := a.call(ctx, http.MethodPost, "/uploads/"+url.PathEscape(id)+"/plan", asked, &p); err == nil && p.Problem == nil {
		a.writeUnplaced(a.Err, p)
	}
}

// plan prints what publishing an upload would do.
func (a *app) plan(ctx context.Context, id string, change map[string]any) error {
	var p left4me.Plan
	raw, err := a.call(ctx, http.MethodPost, "/uploads/"+url.PathEscape(id)+"/plan", change, &p)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if err := a.print(raw, func(w io.Writer) { a.writePlan(w, p) }); err != nil {
		return err
	}
	if p.Problem != nil {
		return fmt.Errorf("plan: %w", p.Problem)
	}
	return nil
}

func (a *app) writePlan(w io.Writer, p left4me.Plan) {
	if a.quiet {
		for _, f := range p.Files {
			fmt.Fprintln(w, oneLine(f.Path))
		}
		return
	}
	for _, f := range p.Files {
		note := ""
		if f.Over {
			note = "over the one that is there"
		}
		if f.From != "" {
			note = "from " + f.From + map[bool]string{true: ", " + note}[note != ""]
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", oneLine(f.Path), size(f.Size), oneLine(note))
	}
	if more := p.Count - len(p.Files); more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
	for _, s := range p.Repairs {
		fmt.Fprintf(w, "saved as UTF-8\t%s\n", oneLine(s))
	}
	for _, s := range p.Skipped {
		fmt.Fprintf(w, "skipped\t%s\n", oneLine(s))
	}
	if p.Names != nil {
		for i, n := range p.Names.Examples {
			read := "names would be"
			if i == 0 {
				read = map[bool]string{false: "names are", true: "names are, by a guess"}[p.Names.Guess]
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", read, oneLine(n.Encoding), oneLine(strings.Join(n.Names, ", ")))
		}
	}
	a.writeUnplaced(w, p)
	for _, v := range p.Warnings {
		fmt.Fprintf(w, "warning\t%s\n", oneLine(v.Text+"; "+v.Hint))
	}
	if p.Count > 0 {
		fmt.Fprintf(w, "%s, %s\n", count(p.Count, "file"), size(p.Bytes))
	}
}

// someFiles names the first of n files.
func someFiles(files []string, n int) string {
	few := files[:min(len(files), 3)]
	text := oneLine(strings.Join(few, ", "))
	if n > len(few) {
		text += fmt.Sprintf(" and %d more", n-len(few))
	}
	return text
}

// writeUnplaced says what is left out, by reason, and what is asked.
func (a *app) writeUnplaced(w io.Writer, p left4me.Plan) {
	for _, l := range p.Left {
		fmt.Fprintf(w, "left out\t%s: %s (%s)\n", count(l.Count, "file"), oneLine(l.Why), someFiles(l.Files, l.Count))
	}
	for _, q := range p.Asks {
		fmt.Fprintf(w, "unclear\t%s: %s (%s)\n", count(q.Count, "file"), oneLine(q.Text), someFiles(q.Files, q.Count))
		for i, c := range q.Choices {
			now := ""
			if i == 0 {
				now = " (without an answer)"
			}
			fmt.Fprintf(w, "\t%s%s: %s\n", oneLine(c.Text), now, oneLine(moveFlags(c.Moves)))
		}
	}
}

// isJob reports whether it is a job that failed: it has dropped the upload.
func isJob(err error) bool {
	var failed *jobError
	return errors.As(err, &failed)
}
