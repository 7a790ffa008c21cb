package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
)

// tokenCommands are the subcommands of left4me token.
type tokenCommands struct{ app *app }

func (cmd tokenCommands) list() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List tokens", Args: NoArguments,
		Long: "List your tokens by label; administrators see the tokens of all users. The token\n" +
			"itself is only shown when it is created.",
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []apitype.KnownToken
		raw, err := cmd.app.call(c.Context(), http.MethodGet, "/tokens", nil, &all)
		if err != nil {
			return fmt.Errorf("list tokens: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintln(w, "ID\tUSER\tLABEL\tUSED\tEXPIRES")
			}
			for _, t := range all {
				if cmd.app.quiet {
					fmt.Fprintln(w, output.OneLine(t.ID))
					continue
				}
				expires := orNever(t.ExpiresAt)
				if !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(time.Now()) {
					expires = "expired"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", output.OneLine(t.ID), output.OneLine(t.User), output.OneLine(t.Label),
					orNever(t.UsedAt), expires)
			}
		})
	}
	return c
}

func orNever(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return output.Moment(t)
}

func (cmd tokenCommands) revoke() *cobra.Command {
	c := &cobra.Command{
		Use:     "revoke ID",
		Aliases: []string{"rm"},
		Short:   "Revoke a token",
		Args:    one("the id of a token, as shown by token list"),
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, noFiles
		}
		return cmd.app.names(c, "/tokens", "id"), noFiles
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		raw, err := cmd.app.call(c.Context(), http.MethodDelete, "/tokens/"+url.PathEscape(args[0]), nil, nil)
		if err != nil {
			return fmt.Errorf("revoke token: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "token %s revoked\n", args[0])
			}
		})
	}
	return c
}

func (cmd tokenCommands) command() *cobra.Command {
	return group("token", "Manage API tokens", cmd.list(), cmd.create(), cmd.revoke())
}

func (cmd tokenCommands) create() *cobra.Command {
	var in apitype.NewToken
	c := &cobra.Command{
		Use: "create LABEL", Short: "Create a token", Args: one("a label for the token"), ValidArgsFunction: cobra.NoFileCompletions,
		Long: "Create a token for a program, with the permissions of its user. It is shown only once.",
	}
	c.Flags().StringVar(&in.User, "user", "", "owner of the token (default: you)")
	expires := c.Flags().Duration("expires", 0, "lifetime of the token, for example 720h (default: unlimited)")
	c.RunE = func(c *cobra.Command, args []string) error {
		in.Label = args[0]
		if c.Flags().Changed("expires") {
			in.ExpiresAt = time.Now().Add(*expires).UTC().Truncate(time.Second)
		}
		var out apitype.Token
		raw, err := cmd.app.call(c.Context(), http.MethodPost, "/tokens", in, &out)
		if err != nil {
			return fmt.Errorf("create token: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if cmd.app.quiet {
				fmt.Fprintln(w, output.OneLine(out.Token))
				return
			}
			output.Row(w, "token", out.Token)
			output.Row(w, "user", out.User)
		})
	}
	return c
}
