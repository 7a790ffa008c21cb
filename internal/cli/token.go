package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

// KnownToken is a token as the API lists it: all but the token.
type KnownToken struct {
	ID        string     `json:"id"`
	User      string     `json:"user"`
	Label     string     `json:"label"`
	UsedAt    *time.Time `json:"used_at"`
	ExpiresAt *time.Time `json:"expires_at"`
}

func (a *app) tokenList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List tokens", Args: NoArguments,
		Long: "List tokens by what they are for: your own, and everybody's for an administrator.\n" +
			"The token itself is shown only when it is made.",
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []KnownToken
		raw, err := a.call(c.Context(), http.MethodGet, "/tokens", nil, &all)
		if err != nil {
			return fmt.Errorf("list tokens: %w", err)
		}
		return a.print(raw, func(w io.Writer) {
			if !a.quiet {
				fmt.Fprintln(w, "ID\tUSER\tLABEL\tUSED\tEXPIRES")
			}
			for _, t := range all {
				if a.quiet {
					fmt.Fprintln(w, oneLine(t.ID))
					continue
				}
				expires := orNever(t.ExpiresAt)
				if t.ExpiresAt != nil && !t.ExpiresAt.After(time.Now()) {
					expires = "expired"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", oneLine(t.ID), oneLine(t.User), oneLine(t.Label), orNever(t.UsedAt), expires)
			}
		})
	}
	return c
}

func orNever(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return moment(*t)
}

func (a *app) tokenRevoke() *cobra.Command {
	c := &cobra.Command{
		Use:     "revoke ID",
		Aliases: []string{"rm"},
		Short:   "Make a token worthless at once",
		Args:    one("the id of a token, as token list shows it"),
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, noFiles
		}
		return a.names(c, "/tokens", "id"), noFiles
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		raw, err := a.call(c.Context(), http.MethodDelete, "/tokens/"+url.PathEscape(args[0]), nil, nil)
		if err != nil {
			return fmt.Errorf("revoke token: %w", err)
		}
		return a.print(raw, func(w io.Writer) {
			if !a.quiet {
				fmt.Fprintf(w, "token %s is revoked\n", args[0])
			}
		})
	}
	return c
}
