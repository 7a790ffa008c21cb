package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/left4me"
)

// maxEdit is how long a file may be that is edited; the API says so too.
const maxEdit = 1 << 20

// overlayFile is a file as the API gives it.
type overlayFile struct {
	Revision int    `json:"revision"`
	Size     int64  `json:"size"`
	Data     []byte `json:"data"`
	Encoding string `json:"encoding"` // of a text that isn't UTF-8
	Guess    bool   `json:"guess"`
	Text     string `json:"text"` // what it says
}

func (a *app) overlayFiles() *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use: "files NAME [REVISION]", Short: "List the files of a revision; without one, of the current",
		Args:              between(1, 2, "the name of an overlay, and a revision if not the current one"),
		ValidArgsFunction: a.overlayRevision,
	}
	l.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := revisionPath(args[0], strings.Join(args[1:], ""))
		if err != nil {
			return fmt.Errorf("files: %w", err)
		}
		err = list(c.Context(), a, path+"/files", l.values(), "PATH\tSIZE",
			func(w io.Writer, f left4me.TreeFile) { writeFile(w, a.quiet, f) })
		if err != nil {
			return fmt.Errorf("files of %s: %w", n, err)
		}
		return nil
	}
	return c
}

func writeFile(w io.Writer, quiet bool, f left4me.TreeFile) {
	name, bytes := oneLine(f.Path), strconv.FormatInt(f.Size, 10)
	if f.Dir {
		name, bytes = name+"/", ""
	}
	if quiet {
		fmt.Fprintln(w, name)
		return
	}
	fmt.Fprintf(w, "%s\t%s\n", name, bytes)
}

// readFile reads a small file of an overlay, of the current revision unless
// another one is named.
func (a *app) readFile(ctx context.Context, overlay, revision, file, inside string) (f overlayFile, raw []byte, err error) {
	_, at, err := revisionPath(overlay, revision)
	if err != nil {
		return f, nil, err
	}
	query := url.Values{"path": {file}}
	if inside != "" {
		query.Set("inside", inside)
	}
	raw, err = a.call(ctx, http.MethodGet, at+"/file?"+query.Encode(), nil, &f)
	if err == nil && int64(len(f.Data)) < f.Size {
		err = left4me.Errorf(left4me.Invalid, "%s has %d bytes, which is too much for that", oneLine(fit(file, 200)), f.Size).
			WithHint("pull it: left4me overlay pull " + overlay)
	}
	return f, raw, err
}

func (a *app) overlayCat() *cobra.Command {
	c := &cobra.Command{
		Use:               "cat NAME PATH",
		Short:             "Print a file of an overlay",
		Args:              between(2, 2, "the name of an overlay and a path"),
		ValidArgsFunction: a.overlays,
	}
	inside := c.Flags().String("inside", "", "a file in the add-on (VPK) that PATH is")
	revision := c.Flags().String("revision", "", "the revision; without it the current one")
	plain := c.Flags().Bool("utf8", false, "print a text in another encoding as UTF-8")
	c.RunE = func(c *cobra.Command, args []string) error {
		f, raw, err := a.readFile(c.Context(), args[0], *revision, args[1], *inside)
		if err != nil {
			return fmt.Errorf("cat %s of %s: %w", oneLine(fit(args[1], 200)), args[0], err)
		}
		if a.json {
			return a.print(raw, nil)
		}
		if *plain && f.Encoding != "" {
			f.Data = []byte(f.Text)
		}
		_, err = a.Out.Write(f.Data)
		return err
	}
	return c
}

func (a *app) overlayDiff() *cobra.Command {
	c := &cobra.Command{
		Use: "diff NAME [FROM [TO]]", Short: "Say how two revisions differ; without TO the current one, without FROM the one before it",
		Args: between(1, 3, "the name of an overlay, and up to two revisions"), ValidArgsFunction: a.overlayRevision,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("diff: %w", err)
		}
		for _, r := range args[1:] {
			if v, err := strconv.Atoi(r); err != nil || v < 0 {
				return usagef("diff %s: %q is no revision; see: left4me overlay revisions %s", n, fit(oneLine(r), 40), n)
			}
		}
		query := url.Values{}
		if len(args) > 2 {
			query.Set("to", args[2])
		}
		if len(args) > 1 {
			query.Set("from", args[1])
		} else {
			var o overlay
			if _, err := a.call(c.Context(), http.MethodGet, path, nil, &o); err != nil {
				return fmt.Errorf("diff %s: %w", n, err)
			}
			for _, r := range o.Content.Revisions { // newest first
				if r.Number < o.Content.Current {
					query.Set("from", strconv.Itoa(r.Number))
					break
				}
			}
		}
		err = list(c.Context(), a, path+"/diff", query, "CHANGE\tPATH\tFROM\tTO", a.writeChange)
		if err != nil {
			return fmt.Errorf("diff %s: %w", n, err)
		}
		return nil
	}
	return c
}

func (a *app) overlayRemoveFiles() *cobra.Command {
	c := &cobra.Command{
		Use: "rm NAME PATH...", Short: "Make a revision without some files", Args: between(2, -1, "the name of an overlay and paths"),
		ValidArgsFunction: a.overlays,
		Long: "Make a revision of a files overlay without some of its files or directories. The\n" +
			"older revisions keep them: left4me overlay use takes them back.",
	}
	note := c.Flags().String("note", "", "why; it stays with the revision")
	wait := c.Flags().Bool("wait", false, "wait until it is done")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("rm: %w", err)
		}
		body := map[string]any{"note": *note, "change": map[string]any{"delete": args[1:]}}
		return a.begin(c.Context(), "remove files of "+string(n), http.MethodPost, path+"/build", body, *wait)
	}
	return c
}

// textChoices are what can become of texts that are no plain UTF-8.
func textChoices(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{left4me.TextsAsIs + "\tas they come"}, noFiles
}

func (a *app) overlayRepair() *cobra.Command {
	c := &cobra.Command{
		Use: "repair NAME [PATH...]", Short: "Repair texts that the game reads otherwise than they look",
		Args: between(1, -1, "the name of an overlay, and paths if not all texts are meant"), ValidArgsFunction: a.overlays,
		Long: "Make a revision in which texts for the game and SourceMod are as they look: UTF-8\n" +
			"without a byte order mark, with plain quotation marks and blanks, and with Steam\n" +
			"IDs of administrators as STEAM_1:0:123. left4me overlay show lists what is found.\n" +
			"Without a path all texts are repaired. The older revision keeps them as they were:\nleft4me overlay use takes them back.",
	}
	note := c.Flags().String("note", "", "why; it stays with the revision")
	wait := c.Flags().Bool("wait", false, "wait until it is done")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, at, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("repair: %w", err)
		}
		paths := args[1:]
		if len(paths) == 0 {
			paths = []string{"."}
		}
		body := map[string]any{"note": *note, "change": map[string]any{"repair": paths}}
		return a.begin(c.Context(), "repair texts of "+string(n), http.MethodPost, at+"/build", body, *wait)
	}
	return c
}

func (a *app) overlayEdit() *cobra.Command {
	c := &cobra.Command{
		Use: "edit NAME PATH", Short: "Edit a text file of an overlay in your editor",
		Args: between(2, 2, "the name of an overlay and a path"), ValidArgsFunction: a.overlays,
		Long: "Edit a text file of an overlay in the editor that VISUAL or EDITOR names, and\n" +
			"make a revision of it. When somebody else changed the file meanwhile, nothing is\nchanged and your text is kept.\n\n" +
			"A file that isn't UTF-8 is opened as UTF-8 and saved in its own encoding again. A\n" +
			"character that this encoding doesn't have is refused: --utf8 saves the file as\nUTF-8.",
	}
	note := c.Flags().String("note", "", "why; it stays with the revision")
	plain := c.Flags().Bool("utf8", false, "save it as UTF-8, also when it is in another encoding")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, at, err := overlayPath(args[0])
		if err != nil {
			return fmt.Errorf("edit: %w", err)
		}
		if err := a.edit(c, n, at, args[1], *note, *plain); err != nil {
			return fmt.Errorf("edit %s of %s: %w", oneLine(fit(args[1], 200)), n, err)
		}
		return nil
	}
	return c
}

// edit lets somebody change a file and makes a revision of it. What was typed is
// never lost.
func (a *app) edit(c *cobra.Command, n left4me.Name, at, file, note string, plain bool) error {
	editor := os.Getenv("VISUAL")
	if editor == "" {
		editor = os.Getenv("EDITOR")
	}
	if editor == "" {
		editor = "vi"
	}
	var o overlay
	if _, err := a.call(c.Context(), http.MethodGet, at, nil, &o); err != nil {
		return err
	}
	var f overlayFile
	if o.Content.Current > 0 {
		var err error
		f, _, err = a.readFile(c.Context(), string(n), strconv.Itoa(o.Content.Current), file, "")
		if err != nil && !errors.Is(err, left4me.NotFound) { // a file that isn't there begins empty
			return err
		}
	}
	if f.Encoding != "" {
		f.Data = []byte(f.Text)
		a.sayEncoding(f, plain)
	}
	if bytes.ContainsRune(f.Data, 0) {
		return left4me.Errorf(left4me.Invalid, "it is not text").WithHint("pull it, change it and push it")
	}
	dir, err := os.MkdirTemp("", "left4me-edit-")
	if err != nil {
		return err
	}
	own := dir + "/" + safeBase(file)
	keep := false
	defer func() {
		if !keep {
			_ = os.RemoveAll(dir)
		}
	}()
	if err := os.WriteFile(own, f.Data, 0o600); err != nil {
		return err
	}
	// As git and others do: what the variable holds is a command of the shell.
	cmd := exec.CommandContext(c.Context(), "sh", "-c", editor+` "$1"`, "sh", own)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.In, a.Out, a.Err
	if err := cmd.Run(); err != nil {
		keep = true
		return left4me.Errorf(left4me.Unavailable, "the editor ended with %v", err).WithHint("nothing was changed; your text is in " + own)
	}
	text, err := os.ReadFile(own)
	switch {
	case err != nil:
		return err
	case bytes.Equal(text, f.Data) && (!plain || f.Encoding == ""):
		if !a.quiet {
			fmt.Fprintln(a.Err, "nothing was changed")
		}
		return nil
	case len(text) > maxEdit:
		keep = true
		return left4me.Errorf(left4me.Invalid, "the text is too long").WithHint(fmt.Sprintf("use at most %d KiB, or push it; it is in %s",
			maxEdit>>10, own))
	}
	query := url.Values{"path": {file}, "base": {strconv.Itoa(cmp.Or(o.Content.Current, left4me.NoRevision))}}
	if note != "" {
		query.Set("note", note)
	}
	if f.Encoding != "" && !plain {
		query.Set("encoding", f.Encoding)
	}
	err = a.begin(c.Context(), "edit "+string(n), http.MethodPut, at+"/file?"+query.Encode(), text, true)
	if err != nil {
		keep = true
		return fmt.Errorf("%w; your text is in %s", err, own)
	}
	return nil
}

// sayEncoding says how a file is encoded that isn't UTF-8.
func (a *app) sayEncoding(f overlayFile, plain bool) {
	if a.quiet {
		return
	}
	how := "it is in " + oneLine(f.Encoding)
	if f.Guess {
		how += ", which is a guess; see: left4me upload names"
	}
	if plain {
		how += "; it will be saved as UTF-8"
	} else {
		how += "; it will be saved in it again, or with --utf8 as UTF-8"
	}
	fmt.Fprintln(a.Err, how)
}

// safeBase is the last part of a path as a name for a file of our own: editors
// choose colours by its end.
func safeBase(file string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, path.Base(file))
	return "edit-" + fit(name, 100)
}
