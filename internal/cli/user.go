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

// userCommands are the commands about users: left4me user.
type userCommands struct{ app *app }

func (cmd userCommands) command() *cobra.Command {
	return group("user", "People who can log in", cmd.list(), cmd.create(), cmd.password(), cmd.role(),
		cmd.enableOrDisable("disable", "Keep a user out, until enabled again",
			"Keep a user out: signed out everywhere, and refused with password and tokens until\nenabled again.", true),
		cmd.enableOrDisable("enable", "Let a disabled user in again", "Let a disabled user in again. The user's tokens work again, too.",
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
				fmt.Fprintln(w, "NAME\tMAY")
			}
			for _, u := range all {
				may := "look"
				switch {
				case u.Disabled:
					may = "nothing (disabled)"
				case u.Admin:
					may = "change things"
				}
				if cmd.app.quiet {
					fmt.Fprintln(w, output.OneLine(u.Name))
					continue
				}
				fmt.Fprintf(w, "%s\t%s\n", output.OneLine(u.Name), may)
			}
		})
	}
	return c
}

func (cmd userCommands) create() *cobra.Command {
	var in apitype.NewUser
	c := &cobra.Command{
		Use: "create NAME", Short: "Create a user", Args: one("the name of a user"), ValidArgsFunction: cobra.NoFileCompletions,
		Long: "Create a user. The password is asked for on a terminal; it is never an argument,\n" +
			"which other users of the machine could see.",
	}
	c.Flags().BoolVar(&in.Admin, "admin", false, "may change things, not only look")
	stdin := c.Flags().Bool("password-stdin", false, "read the password from the first line of standard input")
	generate := c.Flags().Bool("generate", false, "make a password and print it")
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
					fmt.Fprintf(w, "user %s is created\n", output.OneLine(in.Name))
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

// tellEnded says what was done and what it ended.
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
		fmt.Fprintf(w, "; %s left, refused until the user is enabled", output.Count(e.TokensLeft, "token"))
	case e.TokensLeft > 0:
		fmt.Fprintf(w, "; %s left, still good", output.Count(e.TokensLeft, "token"))
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

// change sends a change of a user and tells what it ended.
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
		Use: "password [NAME]", Short: "Change your password, or reset that of a user", ValidArgsFunction: cmd.complete,
		Long: `Change your own password, for which the current one is asked, or as an
administrator reset that of a user. The user is signed out everywhere; tokens
stay, unless --revoke-tokens is given.

A forgotten password is reset on the machine that left4me runs on, as root or as
its user, which need no password.`,
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return left4me.NewError(left4me.Invalid, "usage.user_at_most", "command", name(c), "help", c.CommandPath())
		}
		return nil
	}
	stdin := c.Flags().Bool("password-stdin", false,
		"read the password from the first line of standard input; without NAME the current one first, and the new one from the second line")
	generate := c.Flags().Bool("generate", false, "make a password and print it")
	revoke := c.Flags().Bool("revoke-tokens", false, "revoke all tokens of the user too")
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

// setPassword changes the password of a user, or one's own when name is empty.
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
		Use: "role NAME admin|looker", Short: "Make a user an administrator, or one who may only look",
		Long: "Make a user an administrator, or one who may only look. The user is signed out\n" +
			"everywhere; tokens stay and have the new role at once.",
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) != 2 || args[1] != "admin" && args[1] != "looker" {
			return left4me.NewError(left4me.Invalid, "usage.user_and_role", "command", name(c), "help", c.CommandPath())
		}
		return nil
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return []string{"admin\tmay change things", "looker\tmay look"}, noFiles
		}
		return cmd.complete(c, args, typed)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		admin := args[1] == "admin"
		done := "may look"
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

// enableOrDisable is user disable and user enable.
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
	yes := c.Flags().BoolP("yes", "y", false, "don't ask")
	c.RunE = func(c *cobra.Command, args []string) error {
		if !*yes {
			if err := cmd.app.confirm(c.Context(), left4me.Name(args[0]), "the user is deleted with all tokens"); err != nil {
				return fmt.Errorf("delete %s: %w", args[0], err)
			}
		}
		if err := cmd.change(c.Context(), http.MethodDelete, "/users/"+url.PathEscape(args[0]), nil, "is deleted"); err != nil {
			return fmt.Errorf("delete %s: %w", args[0], err)
		}
		return nil
	}
	return c
}

func (cmd userCommands) signOut() *cobra.Command {
	c := &cobra.Command{Use: "signout", Short: "Sign out of the panel everywhere, as the user of your token", Args: NoArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := cmd.change(c.Context(), http.MethodDelete, "/me/sessions", nil, "is signed out"); err != nil {
			return fmt.Errorf("sign out: %w", err)
		}
		return nil
	}
	return c
}
