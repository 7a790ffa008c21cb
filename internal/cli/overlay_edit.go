package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// maxEdit is how long a file may be that is edited; the API says so too.
const maxEdit = 1 << 20

func (cmd overlayFileCommands) edit() *cobra.Command {
	c := &cobra.Command{
		Use: "edit NAME PATH", Short: "Edit a text file of an overlay in your editor",
		Args: between(2, 2, "the name of an overlay and a path"), ValidArgsFunction: cmd.app.overlays,
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
		if err := cmd.editFile(c, n, at, args[1], *note, *plain); err != nil {
			return fmt.Errorf("edit %s of %s: %w", output.OneLine(output.Fit(args[1], 200)), n, err)
		}
		return nil
	}
	return c
}

// editFile lets somebody change a file and makes a revision of it. What was typed is
// never lost.
func (cmd overlayFileCommands) editFile(c *cobra.Command, n left4me.Name, at, file, note string, plain bool) error {
	editor := os.Getenv("VISUAL")
	if editor == "" {
		editor = os.Getenv("EDITOR")
	}
	if editor == "" {
		editor = "vi"
	}
	var o apitype.Overlay
	if _, err := cmd.app.call(c.Context(), http.MethodGet, at, nil, &o); err != nil {
		return err
	}
	var f apitype.RevisionFile
	if o.Content.Current > 0 {
		var err error
		f, _, err = cmd.readFile(c.Context(), string(n), strconv.Itoa(o.Content.Current), file, "")
		if err != nil && !errors.Is(err, left4me.NotFound) { // a file that isn't there begins empty
			return err
		}
	}
	if f.Encoding != "" {
		f.Data = []byte(f.Text)
		cmd.sayEncoding(f, plain)
	}
	if bytes.ContainsRune(f.Data, 0) {
		return left4me.NewError(left4me.Invalid, "file.not_text")
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
	process := exec.CommandContext(c.Context(), "sh", "-c", editor+` "$1"`, "sh", own)
	process.Stdin, process.Stdout, process.Stderr = cmd.app.In, cmd.app.Out, cmd.app.Err
	if err := process.Run(); err != nil {
		keep = true
		return left4me.NewError(left4me.Unavailable, "editor.failed", "reason", err, "path", own)
	}
	text, err := os.ReadFile(own)
	switch {
	case err != nil:
		return err
	case bytes.Equal(text, f.Data) && (!plain || f.Encoding == ""):
		if !cmd.app.quiet {
			fmt.Fprintln(cmd.app.Err, "nothing was changed")
		}
		return nil
	case len(text) > maxEdit:
		keep = true
		return left4me.NewError(left4me.Invalid, "editor.text_too_long", "limit", left4me.Bytes(maxEdit), "path", own)
	}
	query := url.Values{"path": {file}, "base": {strconv.Itoa(cmp.Or(o.Content.Current, left4me.NoRevision))}}
	if note != "" {
		query.Set("note", note)
	}
	if f.Encoding != "" && !plain {
		query.Set("encoding", f.Encoding)
	}
	err = cmd.app.begin(c.Context(), "edit "+string(n), http.MethodPut, at+"/file?"+query.Encode(), text, true)
	if err != nil {
		keep = true
		return fmt.Errorf("%w; your text is in %s", err, own)
	}
	return nil
}

// sayEncoding says how a file is encoded that isn't UTF-8.
func (cmd overlayFileCommands) sayEncoding(f apitype.RevisionFile, plain bool) {
	if cmd.app.quiet {
		return
	}
	how := "it is in " + output.OneLine(f.Encoding)
	if f.Guess {
		how += ", which is a guess; see: left4me upload names"
	}
	if plain {
		how += "; it will be saved as UTF-8"
	} else {
		how += "; it will be saved in it again, or with --utf8 as UTF-8"
	}
	fmt.Fprintln(cmd.app.Err, how)
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
	return "edit-" + output.Fit(name, 100)
}
