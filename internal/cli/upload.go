package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// uploadCommands are the subcommands of left4me upload, for unpublished uploads.
type uploadCommands struct{ app *app }

// haveOf returns the number of bytes received of an upload.
func haveOf(u apitype.Upload) (n int64) {
	for _, f := range u.Files {
		n += f.Have
	}
	return n
}

func (cmd uploadCommands) command() *cobra.Command {
	return group("upload", "Manage unpublished uploads", cmd.list(), cmd.drop(), cmd.names())
}

func (cmd uploadCommands) list() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List unpublished uploads, oldest first", Args: NoArguments,
		Long: "List your unpublished uploads; administrators see the uploads of all users. An\n" +
			"upload that is not continued is deleted after two days.",
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []apitype.Upload
		raw, err := cmd.app.call(c.Context(), http.MethodGet, "/uploads", nil, &all)
		if err != nil {
			return fmt.Errorf("list uploads: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintln(w, "ID\tOVERLAY\tBY\tBEGUN\tEXPIRES\tHAVE\tFILES")
			}
			for _, u := range all {
				if cmd.app.quiet {
					fmt.Fprintln(w, output.OneLine(u.ID))
					continue
				}
				have := bytesize.Format(haveOf(u))
				if !u.Complete {
					have += " so far"
				}
				files := output.Count(len(u.Files), "file")
				if len(u.Files) == 1 {
					files = u.Files[0].Path
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", output.OneLine(u.ID), output.OneLine(string(u.Overlay)),
					output.OneLine(u.By),
					output.Moment(u.CreatedAt),
					output.Moment(u.ExpiresAt), have, output.OneLine(files))
			}
		})
	}
	return c
}

func (cmd uploadCommands) drop() *cobra.Command {
	c := &cobra.Command{
		Use: "drop ID...", Aliases: []string{"rm"}, Short: "Delete unpublished uploads",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return left4me.NewError(left4me.Invalid, "usage.no_upload_id")
			}
			return nil
		},
		ValidArgsFunction: func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return cmd.app.names(c, "/uploads", "id"), noFiles
		},
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		for _, id := range args {
			raw, err := cmd.app.call(c.Context(), http.MethodDelete, "/uploads/"+url.PathEscape(id), nil, nil)
			if err != nil {
				return fmt.Errorf("drop upload %s: %w", strings.TrimSpace(id), err)
			}
			err = cmd.app.print(raw, func(w io.Writer) {
				if !cmd.app.quiet {
					fmt.Fprintf(w, "upload %s deleted\n", id)
				}
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

func (cmd uploadCommands) names() *cobra.Command {
	c := &cobra.Command{
		Use: "names [ENCODING]", Short: "Show or change the default encoding of names in archives", Args: between(0, 1, "an encoding"),
		Long: "Many archives do not declare the encoding of file names. Names that are too short\n" +
			"to detect it are decoded with this encoding: automatic, or one of the list. Its\n" +
			"initial value depends on the language of the first uploading user (LANG).",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var v apitype.ArchiveNamesShown
			if len(args) > 0 {
				return nil, noFiles
			}
			if _, err := cmd.app.call(c.Context(), http.MethodGet, "/archive-names", nil, &v); err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			all := []string{"automatic"}
			for _, e := range v.Encodings {
				all = append(all, e.Name)
			}
			return all, cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		var v apitype.ArchiveNamesShown
		method, in := http.MethodGet, any(nil)
		if len(args) > 0 {
			method, in = http.MethodPut, apitype.ArchiveNames{Encoding: args[0]}
		}
		raw, err := cmd.app.call(c.Context(), method, "/archive-names", in, &v)
		if err != nil {
			return fmt.Errorf("names in archives: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if cmd.app.quiet || len(args) > 0 {
				fmt.Fprintln(w, output.OneLine(v.Encoding))
				return
			}
			fmt.Fprintf(w, "names in archives\t%s\n", output.OneLine(v.Encoding))
			for _, e := range v.Encodings {
				fmt.Fprintf(w, "%s\t%s\n", output.OneLine(e.Name), output.OneLine(e.Label))
			}
		})
	}
	return c
}
