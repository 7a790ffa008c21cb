package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/left4me"
)

// userEnded is what a change of a user ended, as the API tells it.
type userEnded struct {
	User     User `json:"user"`
	Sessions int  `json:"sessions_ended"`
	Revoked  int  `json:"tokens_revoked"`
	Tokens   int  `json:"tokens_left"`
}

// tell says what was done and what it ended.
func (e userEnded) tell(w io.Writer, done string) {
	fmt.Fprintf(w, "user %s %s", oneLine(e.User.Name), done)
	if e.Sessions > 0 {
		fmt.Fprintf(w, "; %s ended", count(e.Sessions, "session"))
	}
	if e.Revoked > 0 {
		fmt.Fprintf(w, "; %s revoked", count(e.Revoked, "token"))
	}
	switch {
	case e.Tokens > 0 && e.User.Disabled:
		fmt.Fprintf(w, "; %s left, refused until the user is enabled", count(e.Tokens, "token"))
	case e.Tokens > 0:
		fmt.Fprintf(w, "; %s left, still good", count(e.Tokens, "token"))
	}
	fmt.Fprintln(w)
}

// userNames completes the first argument with names of users.
func (a *app) userNames(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return a.names(c, "/users", "name"), noFiles
}

// changed sends a change of a user and tells what it ended.
func (a *app) changed(ctx context.Context, method, path string, in any, done string) error {
	var e userEnded
	raw, err := a.call(ctx, method, path, in, &e)
	if err != nil {
		return err
	}
	return a.print(raw, func(w io.Writer) {
		if !a.quiet {
			e.tell(w, done)
		}
	})
}

func (a *app) userPassword() *cobra.Command {
	c := &cobra.Command{
		Use: "password [NAME]", Short: "Change your password, or reset that of a user", ValidArgsFunction: a.userNames,
		Long: `Change your own password, for which the current one is asked, or as an
administrator reset that of a user. The user is signed out everywhere; tokens
stay, unless --revoke-tokens is given.

A forgotten password is reset on the machine that left4me runs on, as root or as
its user, which need no password.`,
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usagef("%s takes at most the name of a user; see: %s --help", name(c), c.CommandPath())
		}
		return nil
	}
	stdin := c.Flags().Bool("password-stdin", false,
		"read the password from the first line of standard input; without NAME the current one first, and the new one from the second line")
	generate := c.Flags().Bool("generate", false, "make a password and print it")
	revoke := c.Flags().Bool("revoke-tokens", false, "revoke all tokens of the user too")
	c.MarkFlagsMutuallyExclusive("password-stdin", "generate")
	c.RunE = func(c *cobra.Command, args []string) error {
		err := a.setPassword(c.Context(), strings.Join(args, ""), *stdin, *generate, *revoke)
		if err != nil {
			return fmt.Errorf("change password: %w", err)
		}
		return nil
	}
	return c
}

// setPassword changes the password of a user, or one's own when name is empty.
func (a *app) setPassword(ctx context.Context, name string, stdin, generate, revoke bool) error {
	var in struct {
		Current  string `json:"current_password,omitempty"`
		Password string `json:"password"`
		Revoke   bool   `json:"revoke_tokens,omitempty"`
	}
	method, path := http.MethodPatch, "/users/"+url.PathEscape(name)
	var err error
	if name == "" {
		method, path = http.MethodPut, "/me/password"
		if in.Current, err = a.currentPassword(ctx, stdin); err != nil {
			return err
		}
	}
	if in.Password, err = a.password(ctx, stdin, generate); err != nil {
		return err
	}
	in.Revoke = revoke
	var e userEnded
	raw, err := a.call(ctx, method, path, in, &e)
	if err != nil {
		return err
	}
	if generate {
		raw = with(raw, "password", in.Password)
	}
	return a.print(raw, func(w io.Writer) {
		if generate && a.quiet {
			fmt.Fprintln(w, in.Password)
		}
		if a.quiet {
			return
		}
		if generate {
			row(w, "user", e.User.Name)
			row(w, "password", in.Password)
			return
		}
		e.tell(w, "has a new password")
	})
}

func (a *app) currentPassword(ctx context.Context, stdin bool) (string, error) {
	switch {
	case stdin:
		return a.line(ctx)
	case terminal(a.In) == 0:
		return "", usagef("there is no terminal to ask for your password on; use --password-stdin, or name a user")
	}
	return a.secret(ctx, "Current password: ")
}

func (a *app) userRole() *cobra.Command {
	c := &cobra.Command{
		Use: "role NAME admin|looker", Short: "Make a user an administrator, or one who may only look",
		Long: "Make a user an administrator, or one who may only look. The user is signed out\n" +
			"everywhere; tokens stay and have the new role at once.",
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) != 2 || args[1] != "admin" && args[1] != "looker" {
			return usagef("%s takes the name of a user, and admin or looker; see: %s --help", name(c), c.CommandPath())
		}
		return nil
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return []string{"admin\tmay change things", "looker\tmay look"}, noFiles
		}
		return a.userNames(c, args, typed)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		in := map[string]bool{"admin": args[1] == "admin"}
		done := "may look"
		if in["admin"] {
			done = "is an administrator"
		}
		if err := a.changed(c.Context(), http.MethodPatch, "/users/"+url.PathEscape(args[0]), in, done); err != nil {
			return fmt.Errorf("change the role of %s: %w", args[0], err)
		}
		return nil
	}
	return c
}

// userSwitch is user disable and user enable.
func (a *app) userSwitch(verb, short, long string, disabled bool) *cobra.Command {
	c := &cobra.Command{Use: verb + " NAME", Short: short, Long: long, Args: one("the name of a user"), ValidArgsFunction: a.userNames}
	c.RunE = func(c *cobra.Command, args []string) error {
		err := a.changed(c.Context(), http.MethodPatch, "/users/"+url.PathEscape(args[0]), map[string]bool{"disabled": disabled},
			"is "+verb+"d")
		if err != nil {
			return fmt.Errorf("%s %s: %w", verb, args[0], err)
		}
		return nil
	}
	return c
}

func (a *app) userDelete() *cobra.Command {
	c := &cobra.Command{
		Use: "delete NAME", Aliases: []string{"rm"}, Short: "Delete a user with all sessions and tokens",
		Args: one("the name of a user"), ValidArgsFunction: a.userNames,
	}
	yes := c.Flags().BoolP("yes", "y", false, "don't ask")
	c.RunE = func(c *cobra.Command, args []string) error {
		if !*yes {
			if err := a.confirm(c.Context(), left4me.Name(args[0]), "the user is deleted with all tokens"); err != nil {
				return fmt.Errorf("delete %s: %w", args[0], err)
			}
		}
		if err := a.changed(c.Context(), http.MethodDelete, "/users/"+url.PathEscape(args[0]), nil, "is deleted"); err != nil {
			return fmt.Errorf("delete %s: %w", args[0], err)
		}
		return nil
	}
	return c
}

func (a *app) userSignOut() *cobra.Command {
	c := &cobra.Command{Use: "signout", Short: "Sign out of the panel everywhere, as the user of your token", Args: NoArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := a.changed(c.Context(), http.MethodDelete, "/me/sessions", nil, "is signed out"); err != nil {
			return fmt.Errorf("sign out: %w", err)
		}
		return nil
	}
	return c
}
