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

// tokenCommands are the commands about keys of programs: left4me token.
type tokenCommands struct{ app *app }

func (cmd tokenCommands) list() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List tokens", Args: NoArguments,
		Long: "List tokens by what they are for: your own, and everybody's for an administrator.\n" +
			"The token itself is shown only when it is made.",
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
		Short:   "Make a token worthless at once",
		Args:    one("the id of a token, as token list shows it"),
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
				fmt.Fprintf(w, "token %s is revoked\n", args[0])
			}
		})
	}
	return c
}

func (cmd tokenCommands) command() *cobra.Command {
	return group("token", "Keys of programs", cmd.list(), cmd.create(), cmd.revoke())
}

func (cmd tokenCommands) create() *cobra.Command {
	var in apitype.NewToken
	c := &cobra.Command{
		Use: "create LABEL", Short: "Create a token", Args: one("what the token is for"), ValidArgsFunction: cobra.NoFileCompletions,
		Long: "Create a token, with which a program may do what its user may. It is shown this once.",
	}
	c.Flags().StringVar(&in.User, "user", "", "whom it stands for; without it, who asks")
	expires := c.Flags().Duration("expires", 0, "how long it is good for, for example 720h; without it, for ever")
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
