package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// openUpload is an upload as the API lists it.
type openUpload struct {
	upload
	By        string    `json:"by"`
	Overlay   string    `json:"overlay"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	Complete  bool      `json:"complete"`
}

func (u openUpload) have() (n int64) {
	for _, f := range u.Files {
		n += f.Have
	}
	return n
}

func (a *app) uploadCommand() *cobra.Command {
	return group("upload", "Uploads that were begun and not published", a.uploadList(), a.uploadDrop(), a.uploadNames())
}

func (a *app) uploadList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List open uploads, oldest first", Args: NoArguments,
		Long: "List uploads that were begun and are not published: your own, and everybody's for\n" +
			"an administrator. One that nobody continues is dropped after two days.",
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []openUpload
		raw, err := a.call(c.Context(), http.MethodGet, "/uploads", nil, &all)
		if err != nil {
			return fmt.Errorf("list uploads: %w", err)
		}
		return a.print(raw, func(w io.Writer) {
			if !a.quiet {
				fmt.Fprintln(w, "ID\tOVERLAY\tBY\tBEGUN\tEXPIRES\tHAVE\tFILES")
			}
			for _, u := range all {
				if a.quiet {
					fmt.Fprintln(w, oneLine(u.ID))
					continue
				}
				have := size(u.have())
				if !u.Complete {
					have += " so far"
				}
				files := count(len(u.Files), "file")
				if len(u.Files) == 1 {
					files = u.Files[0].Path
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(u.ID), oneLine(u.Overlay), oneLine(u.By), moment(u.CreatedAt),
					moment(u.ExpiresAt), have, oneLine(files))
			}
		})
	}
	return c
}

func (a *app) uploadDrop() *cobra.Command {
	c := &cobra.Command{
		Use: "drop ID...", Aliases: []string{"rm"}, Short: "Drop open uploads with all that has come",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name the id of an upload, as upload list shows it")
			}
			return nil
		},
		ValidArgsFunction: func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return a.names(c, "/uploads", "id"), noFiles
		},
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		for _, id := range args {
			raw, err := a.call(c.Context(), http.MethodDelete, "/uploads/"+url.PathEscape(id), nil, nil)
			if err != nil {
				return fmt.Errorf("drop upload %s: %w", strings.TrimSpace(id), err)
			}
			err = a.print(raw, func(w io.Writer) {
				if !a.quiet {
					fmt.Fprintf(w, "upload %s is dropped\n", id)
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

// archiveNames is the setting of names in archives.
type archiveNames struct {
	Encoding  string `json:"encoding"`
	Encodings []struct {
		Name  string `json:"name"`
		Label string `json:"label"`
	} `json:"encodings"`
}

func (a *app) uploadNames() *cobra.Command {
	c := &cobra.Command{
		Use: "names [ENCODING]", Short: "Show or set what names in archives are taken for", Args: between(0, 1, "an encoding"),
		Long: "Many archives don't say in which encoding the names in them are. Names that are too\n" +
			"short to tell are taken for this one: automatic, or an encoding of the list. It is\n" +
			"first set by the language of who makes the first upload (LANG).",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var v archiveNames
			if len(args) > 0 {
				return nil, noFiles
			}
			if _, err := a.call(c.Context(), http.MethodGet, "/archive-names", nil, &v); err != nil {
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
		var v archiveNames
		method, in := http.MethodGet, any(nil)
		if len(args) > 0 {
			method, in = http.MethodPut, map[string]string{"encoding": args[0]}
		}
		raw, err := a.call(c.Context(), method, "/archive-names", in, &v)
		if err != nil {
			return fmt.Errorf("names in archives: %w", err)
		}
		return a.print(raw, func(w io.Writer) {
			if a.quiet || len(args) > 0 {
				fmt.Fprintln(w, oneLine(v.Encoding))
				return
			}
			fmt.Fprintf(w, "names in archives\t%s\n", oneLine(v.Encoding))
			for _, e := range v.Encodings {
				fmt.Fprintf(w, "%s\t%s\n", oneLine(e.Name), oneLine(e.Label))
			}
		})
	}
	return c
}
