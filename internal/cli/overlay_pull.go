package cli

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/left4me"
)

func (cmd overlayFileCommands) pull() *cobra.Command {
	c := &cobra.Command{
		Use: "pull NAME", Short: "Download a revision of an overlay", Args: one("the name of an overlay"),
		ValidArgsFunction: cmd.app.overlays,
		Long: "Download a revision of an overlay: into a new directory, as an archive (.zip, .tar\n" +
			"or .tar.zst), or a single file of it.",
	}
	f := c.Flags()
	revision := f.Int("revision", 0, "number of the revision (default: the current one)")
	into := f.String("into", "", "new directory for the files")
	out := f.StringP("output", "o", "", "new file: an archive, or with --file that file")
	file := f.String("file", "", "download only this file, such as left4dead2/cfg/server.cfg")
	c.MarkFlagsMutuallyExclusive("into", "output")
	c.MarkFlagsOneRequired("into", "output")
	c.MarkFlagsMutuallyExclusive("into", "file")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return err
		}
		path += "/revisions/current"
		if *revision != 0 {
			path = strings.TrimSuffix(path, "current") + strconv.Itoa(*revision)
		}
		to := *out
		switch {
		case *file != "":
			err = cmd.app.download(c.Context(), path+"/raw?"+url.Values{"path": {*file}}.Encode(), to)
		case *into != "":
			to = *into
			err = cmd.pullInto(c.Context(), path+"/archive?format=tar", to)
		default:
			var format string
			if format, err = archiveFormat(to); err == nil {
				err = cmd.app.download(c.Context(), path+"/archive?format="+format, to)
			}
		}
		if err != nil {
			return fmt.Errorf("pull %s: %w", n, err)
		}
		if !cmd.app.quiet && !cmd.app.json {
			fmt.Fprintf(cmd.app.Out, "wrote %s\n", to)
		}
		return nil
	}
	return c
}

// archiveFormat returns the format of an archive from its file name.
func archiveFormat(file string) (string, error) {
	for _, format := range []string{"zip", "tar.zst", "tar"} {
		if strings.HasSuffix(strings.ToLower(file), "."+format) {
			return format, nil
		}
	}
	return "", left4me.NewError(left4me.Invalid, "client.archive_format", "path", file)
}

// pullInto unpacks a tar answer into a new directory. It removes the directory if the download is
// interrupted.
func (cmd overlayFileCommands) pullInto(ctx context.Context, path, dir string) error {
	if _, err := os.Lstat(dir); err == nil {
		return left4me.NewError(left4me.Conflict, "client.directory_exists", "path", dir)
	}
	c, err := cmd.app.client()
	if err != nil {
		return err
	}
	m := cmd.app.newMeter("pull", 0)
	in, err := c.Download(ctx, path, m.Show)
	if err != nil {
		return err
	}
	defer in.Close()
	temp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".pull-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	root, err := os.OpenRoot(temp)
	if err != nil {
		return err
	}
	defer root.Close()
	defer m.End()
	if err := untar(root, in); err != nil {
		if in.Err() != nil {
			return in.Err()
		}
		return err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	return os.Rename(temp, dir)
}

// untar unpacks files into root. Entries cannot escape from it.
func untar(root *os.Root, r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, r) // read to the end, to detect an incomplete archive
			return err
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(h.Name) {
			return left4me.NewError(left4me.Invalid, "client.archive_entry", "path", h.Name)
		}
		if err := root.MkdirAll(filepath.Dir(h.Name), 0o755); err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if h.Mode&0o100 != 0 {
			mode = 0o755
		}
		f, err := root.OpenFile(h.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, t)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
}
