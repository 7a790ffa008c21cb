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

// maxEdit is the maximum size of a file to edit, which is also the API's limit.
const maxEdit = 1 << 20

func (cmd overlayFileCommands) edit() *cobra.Command {
	c := &cobra.Command{
		Use: "edit NAME PATH", Short: "Edit a text file of an overlay in your editor",
		Args: between(2, 2, "the name of an overlay and a path"), ValidArgsFunction: cmd.app.overlays,
		Long: "Edit a text file of an overlay in the editor that VISUAL or EDITOR names, and\n" +
			"publish it as a new revision. If another user changed the file in the meantime,\n" +
			"nothing is published and your text is kept.\n\n" +
			"A file in another encoding is opened as UTF-8 and saved in its own encoding. A\n" +
			"character that this encoding lacks is rejected: --utf8 saves the file as UTF-8.",
	}
	note := c.Flags().String("note", "", "reason for the change; stored with the revision")
	plain := c.Flags().Bool("utf8", false, "save the file as UTF-8, whatever its encoding is")
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

// editFile opens a file in an editor and publishes the result. It never loses what was typed.
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
		if err != nil && !errors.Is(err, left4me.NotFound) { // a new file starts empty
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
	// The variable contains a shell command, as for git and other programs.
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

// sayEncoding reports the encoding of a file that is not UTF-8.
func (cmd overlayFileCommands) sayEncoding(f apitype.RevisionFile, plain bool) {
	if cmd.app.quiet {
		return
	}
	how := "file encoding: " + output.OneLine(f.Encoding)
	if f.Guess {
		how += ", a guess; see: left4me upload names"
	}
	if plain {
		how += "; saving as UTF-8"
	} else {
		how += "; saving in the same encoding, or as UTF-8 with --utf8"
	}
	fmt.Fprintln(cmd.app.Err, how)
}

// safeBase returns the last part of a path as a safe file name. It keeps the extension, because
// editors choose syntax highlighting by it.
func safeBase(file string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, path.Base(file))
	return "edit-" + output.Fit(name, 100)
}
