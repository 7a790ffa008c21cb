package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (a *app) userCommand() *cobra.Command {
	return group("user", "People who can log in", a.userList(), a.userCreate(), a.userPassword(), a.userRole(),
		a.userSwitch("disable", "Keep a user out, until enabled again",
			"Keep a user out: signed out everywhere, and refused with password and tokens until\nenabled again.", true),
		a.userSwitch("enable", "Let a disabled user in again", "Let a disabled user in again. The user's tokens work again, too.", false),
		a.userDelete(), a.userSignOut())
}

func (a *app) userList() *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List users", Args: NoArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []User
		raw, err := a.call(c.Context(), http.MethodGet, "/users", nil, &all)
		if err != nil {
			return fmt.Errorf("list users: %w", err)
		}
		return a.print(raw, func(w io.Writer) {
			if !a.quiet {
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
				if a.quiet {
					fmt.Fprintln(w, oneLine(u.Name))
					continue
				}
				fmt.Fprintf(w, "%s\t%s\n", oneLine(u.Name), may)
			}
		})
	}
	return c
}

// User is somebody who can log in, as the API tells it.
type User struct {
	Name     string `json:"name"`
	Admin    bool   `json:"admin"`
	Disabled bool   `json:"disabled"`
}

func (a *app) userCreate() *cobra.Command {
	var in struct {
		Name     string `json:"name"`
		Password string `json:"password"`
		Admin    bool   `json:"admin"`
	}
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
		if in.Password, err = a.password(c.Context(), *stdin, *generate); err != nil {
			return fmt.Errorf("create user: %w", err)
		}
		raw, err := a.call(c.Context(), http.MethodPost, "/users", in, nil)
		if err != nil {
			return fmt.Errorf("create user: %w", err)
		}
		if !*generate {
			return a.print(raw, func(w io.Writer) {
				if !a.quiet {
					fmt.Fprintf(w, "user %s is created\n", oneLine(in.Name))
				}
			})
		}
		raw = with(raw, "password", in.Password)
		return a.print(raw, func(w io.Writer) {
			if a.quiet {
				fmt.Fprintln(w, in.Password)
				return
			}
			row(w, "user", in.Name)
			row(w, "password", in.Password)
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

// password finds the password of a new user.
func (a *app) password(ctx context.Context, stdin, generate bool) (string, error) {
	switch {
	case generate:
		return rand.Text(), nil
	case stdin:
		return a.line(ctx)
	case terminal(a.In) == 0:
		return "", usagef("there is no terminal to ask for a password on; use --password-stdin or --generate")
	}
	first, err := a.secret(ctx, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := a.secret(ctx, "Again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", usagef("these are two different passwords")
	}
	return first, nil
}

// secret reads a line from the terminal without showing it.
func (a *app) secret(ctx context.Context, prompt string) (string, error) {
	fd := int(a.In.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(a.Err, prompt)
	defer fmt.Fprintln(a.Err)
	typed, err := during(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	if err != nil {
		_ = term.Restore(fd, before) // who interrupts it finds the terminal as it was
	}
	return string(typed), err
}

func (a *app) tokenCommand() *cobra.Command {
	return group("token", "Keys of programs", a.tokenList(), a.tokenCreate(), a.tokenRevoke())
}

func (a *app) tokenCreate() *cobra.Command {
	var in struct {
		Label     string     `json:"label"`
		User      string     `json:"user,omitempty"`
		ExpiresAt *time.Time `json:"expires_at,omitempty"`
	}
	c := &cobra.Command{
		Use: "create LABEL", Short: "Create a token", Args: one("what the token is for"), ValidArgsFunction: cobra.NoFileCompletions,
		Long: "Create a token, with which a program may do what its user may. It is shown this once.",
	}
	c.Flags().StringVar(&in.User, "user", "", "whom it stands for; without it, who asks")
	expires := c.Flags().Duration("expires", 0, "how long it is good for, for example 720h; without it, for ever")
	c.RunE = func(c *cobra.Command, args []string) error {
		in.Label = args[0]
		if c.Flags().Changed("expires") {
			at := time.Now().Add(*expires).UTC().Truncate(time.Second)
			in.ExpiresAt = &at
		}
		var out struct {
			Token string `json:"token"`
			User  string `json:"user"`
		}
		raw, err := a.call(c.Context(), http.MethodPost, "/tokens", in, &out)
		if err != nil {
			return fmt.Errorf("create token: %w", err)
		}
		return a.print(raw, func(w io.Writer) {
			if a.quiet {
				fmt.Fprintln(w, oneLine(out.Token))
				return
			}
			row(w, "token", out.Token)
			row(w, "user", out.User)
		})
	}
	return c
}
