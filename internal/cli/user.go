package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// userCommands are the subcommands of left4me user.
type userCommands struct{ app *app }

func (cmd userCommands) command() *cobra.Command {
	return group("user", "Manage users", cmd.list(), cmd.create(), cmd.password(), cmd.role(),
		cmd.enableOrDisable("disable", "Disable a user",
			"Disable a user: end all sessions, and reject the password and all tokens until the\nuser is enabled again.", true),
		cmd.enableOrDisable("enable", "Enable a disabled user", "Enable a disabled user. The user's tokens become valid again, too.",
			false),
		cmd.delete(), cmd.signOut())
}

func (cmd userCommands) list() *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List users", Args: NoArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []apitype.User
		raw, err := cmd.app.call(c.Context(), http.MethodGet, "/users", nil, &all)
		if err != nil {
			return fmt.Errorf("list users: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintln(w, "NAME\tROLE")
			}
			for _, u := range all {
				role := u.Role
				if u.Disabled {
					role += ", disabled"
				}
				if cmd.app.quiet {
					fmt.Fprintln(w, output.OneLine(u.Name))
					continue
				}
				fmt.Fprintf(w, "%s\t%s\n", output.OneLine(u.Name), role)
			}
		})
	}
	return c
}

func (cmd userCommands) create() *cobra.Command {
	var in apitype.NewUser
	c := &cobra.Command{
		Use: "create NAME", Short: "Create a user", Args: one("the name of a user"), ValidArgsFunction: cobra.NoFileCompletions,
		Long: "Create a user. The password is read from the terminal; it is never an argument,\n" +
			"because other users of the machine can see arguments.",
	}
	c.Flags().BoolVar(&in.Admin, "admin", false, "create an administrator instead of a viewer")
	stdin := c.Flags().Bool("password-stdin", false, "read the password from the first line of standard input")
	generate := c.Flags().Bool("generate", false, "generate a password and print it")
	c.MarkFlagsMutuallyExclusive("password-stdin", "generate")
	c.RunE = func(c *cobra.Command, args []string) error {
		in.Name = args[0]
		var err error
		if in.Password, err = cmd.app.password(c.Context(), *stdin, *generate); err != nil {
			return fmt.Errorf("create user: %w", err)
		}
		raw, err := cmd.app.call(c.Context(), http.MethodPost, "/users", in, nil)
		if err != nil {
			return fmt.Errorf("create user: %w", err)
		}
		if !*generate {
			return cmd.app.print(raw, func(w io.Writer) {
				if !cmd.app.quiet {
					fmt.Fprintf(w, "user %s created\n", output.OneLine(in.Name))
				}
			})
		}
		raw = with(raw, "password", in.Password)
		return cmd.app.print(raw, func(w io.Writer) {
			if cmd.app.quiet {
				fmt.Fprintln(w, in.Password)
				return
			}
			output.Row(w, "user", in.Name)
			output.Row(w, "password", in.Password)
		})
	}
	return c
}

// with adds a member to a JSON object.
func with(raw json.RawMessage, key, value string) json.RawMessage {
	var object map[string]any
	if json.Unmarshal(raw, &object) != nil {
		return raw
	}
	object[key] = value
	b, err := json.Marshal(object)
	if err != nil {
		return raw
	}
	return b
}

// tellEnded prints a change of a user and the sessions and tokens that it ended.
func tellEnded(w io.Writer, e apitype.Ended, done string) {
	fmt.Fprintf(w, "user %s %s", output.OneLine(e.User.Name), done)
	if e.SessionsEnded > 0 {
		fmt.Fprintf(w, "; %s ended", output.Count(e.SessionsEnded, "session"))
	}
	if e.TokensRevoked > 0 {
		fmt.Fprintf(w, "; %s revoked", output.Count(e.TokensRevoked, "token"))
	}
	switch {
	case e.TokensLeft > 0 && e.User.Disabled:
		fmt.Fprintf(w, "; %s left, rejected until the user is enabled", output.Count(e.TokensLeft, "token"))
	case e.TokensLeft > 0:
		fmt.Fprintf(w, "; %s left, still valid", output.Count(e.TokensLeft, "token"))
	}
	fmt.Fprintln(w)
}

// complete completes the first argument with names of users.
func (cmd userCommands) complete(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return cmd.app.names(c, "/users", "name"), noFiles
}

// change sends a change of a user and prints the result.
func (cmd userCommands) change(ctx context.Context, method, path string, in any, done string) error {
	var e apitype.Ended
	raw, err := cmd.app.call(ctx, method, path, in, &e)
	if err != nil {
		return err
	}
	return cmd.app.print(raw, func(w io.Writer) {
		if !cmd.app.quiet {
			tellEnded(w, e, done)
		}
	})
}

func (cmd userCommands) password() *cobra.Command {
	c := &cobra.Command{
		Use: "password [NAME]", Short: "Change your password or reset a user's", ValidArgsFunction: cmd.complete,
		Long: `Change your own password, which requires the current one, or reset the password
of another user as an administrator. All sessions of the user are ended; tokens
remain valid unless --revoke-tokens is given.

To reset a forgotten password, run the command on the host of left4me as root or
as left4me's user, which need no password.`,
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return left4me.NewError(left4me.Invalid, "usage.user_at_most", "command", name(c), "help", c.CommandPath())
		}
		return nil
	}
	stdin := c.Flags().Bool("password-stdin", false,
		"read the password from the first line of standard input; without NAME, the first line is the current password and the second\n"+
			"line the new one")
	generate := c.Flags().Bool("generate", false, "generate a password and print it")
	revoke := c.Flags().Bool("revoke-tokens", false, "also revoke all tokens of the user")
	c.MarkFlagsMutuallyExclusive("password-stdin", "generate")
	c.RunE = func(c *cobra.Command, args []string) error {
		err := cmd.setPassword(c.Context(), strings.Join(args, ""), *stdin, *generate, *revoke)
		if err != nil {
			return fmt.Errorf("change password: %w", err)
		}
		return nil
	}
	return c
}

// setPassword changes the password of a user, or one's own if name is empty.
func (cmd userCommands) setPassword(ctx context.Context, name string, stdin, generate, revoke bool) error {
	method, path := http.MethodPatch, "/users/"+url.PathEscape(name)
	current := ""
	var err error
	if name == "" {
		method, path = http.MethodPut, "/me/password"
		if current, err = cmd.currentPassword(ctx, stdin); err != nil {
			return err
		}
	}
	password, err := cmd.app.password(ctx, stdin, generate)
	if err != nil {
		return err
	}
	in := any(apitype.UserChange{Password: &password, RevokeTokens: revoke})
	if name == "" {
		in = apitype.PasswordChange{CurrentPassword: current, Password: password, RevokeTokens: revoke}
	}
	var e apitype.Ended
	raw, err := cmd.app.call(ctx, method, path, in, &e)
	if err != nil {
		return err
	}
	if generate {
		raw = with(raw, "password", password)
	}
	return cmd.app.print(raw, func(w io.Writer) {
		if generate && cmd.app.quiet {
			fmt.Fprintln(w, password)
		}
		if cmd.app.quiet {
			return
		}
		if generate {
			output.Row(w, "user", e.User.Name)
			output.Row(w, "password", password)
			return
		}
		tellEnded(w, e, "has a new password")
	})
}

func (cmd userCommands) currentPassword(ctx context.Context, stdin bool) (string, error) {
	switch {
	case stdin:
		return cmd.app.line(ctx)
	case terminal(cmd.app.In) == 0:
		return "", left4me.NewError(left4me.Invalid, "usage.no_terminal_for_current")
	}
	return cmd.app.secret(ctx, "Current password: ")
}

func (cmd userCommands) role() *cobra.Command {
	c := &cobra.Command{
		Use: "role NAME admin|viewer", Short: "Change the role of a user",
		Long: "Make a user an administrator (admin) or limit a user to read access (viewer). All\n" +
			"sessions of the user are ended; tokens stay valid and get the new role immediately.",
	}
	c.Args = func(c *cobra.Command, args []string) error {
		// looker was the name of the role viewer before the first release.
		if len(args) != 2 || args[1] != "admin" && args[1] != "viewer" && args[1] != "looker" {
			return left4me.NewError(left4me.Invalid, "usage.user_and_role", "command", name(c), "help", c.CommandPath())
		}
		return nil
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return []string{"admin	may make changes", "viewer	read access"}, noFiles
		}
		return cmd.complete(c, args, typed)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		admin := args[1] == "admin"
		done := "is a viewer"
		if admin {
			done = "is an administrator"
		}
		if err := cmd.change(c.Context(), http.MethodPatch, "/users/"+url.PathEscape(args[0]), apitype.UserChange{Admin: &admin},
			done); err != nil {
			return fmt.Errorf("change the role of %s: %w", args[0], err)
		}
		return nil
	}
	return c
}

// enableOrDisable returns the command user disable or user enable.
func (cmd userCommands) enableOrDisable(verb, short, long string, disabled bool) *cobra.Command {
	c := &cobra.Command{Use: verb + " NAME", Short: short, Long: long, Args: one("the name of a user"), ValidArgsFunction: cmd.complete}
	c.RunE = func(c *cobra.Command, args []string) error {
		err := cmd.change(c.Context(), http.MethodPatch, "/users/"+url.PathEscape(args[0]), apitype.UserChange{Disabled: &disabled},
			"is "+verb+"d")
		if err != nil {
			return fmt.Errorf("%s %s: %w", verb, args[0], err)
		}
		return nil
	}
	return c
}

func (cmd userCommands) delete() *cobra.Command {
	c := &cobra.Command{
		Use: "delete NAME", Aliases: []string{"rm"}, Short: "Delete a user with all sessions and tokens",
		Args: one("the name of a user"), ValidArgsFunction: cmd.complete,
	}
	yes := c.Flags().BoolP("yes", "y", false, "do not ask for confirmation")
	c.RunE = func(c *cobra.Command, args []string) error {
		if !*yes {
			if err := cmd.app.confirm(c.Context(), left4me.Name(args[0]), "this deletes the user and all tokens"); err != nil {
				return fmt.Errorf("delete %s: %w", args[0], err)
			}
		}
		if err := cmd.change(c.Context(), http.MethodDelete, "/users/"+url.PathEscape(args[0]), nil, "deleted"); err != nil {
			return fmt.Errorf("delete %s: %w", args[0], err)
		}
		return nil
	}
	return c
}

func (cmd userCommands) signOut() *cobra.Command {
	c := &cobra.Command{Use: "signout", Short: "End all your browser sessions", Args: NoArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := cmd.change(c.Context(), http.MethodDelete, "/me/sessions", nil, "signed out"); err != nil {
			return fmt.Errorf("sign out: %w", err)
		}
		return nil
	}
	return c
}
