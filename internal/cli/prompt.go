package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/left4me/left4me/internal/left4me"
)

// confirm asks the user to type the name of the object that is about to be lost.
func (a *app) confirm(ctx context.Context, n left4me.Name, loss string) error {
	if terminal(a.In) == 0 {
		return left4me.NewError(left4me.Invalid, "usage.not_confirmed", "loss", loss)
	}
	fmt.Fprintf(a.Err, "%s: %s. Type the name to confirm: ", n, loss)
	typed, err := a.line(ctx)
	if err != nil {
		return err
	}
	if typed != string(n) {
		return errors.New("the name does not match; nothing was changed")
	}
	return nil
}

// line reads a line from standard input.
func (a *app) line(ctx context.Context) (string, error) {
	return during(ctx, func() (string, error) {
		var line []byte
		for b := make([]byte, 1); ; {
			switch n, err := a.In.Read(b); {
			case n == 1 && b[0] == '\n':
				return strings.TrimSuffix(string(line), "\r"), nil
			case n == 1 && len(line) < 4096:
				line = append(line, b[0])
			case n == 1:
				return "", left4me.NewError(left4me.Invalid, "usage.line_too_long")
			case errors.Is(err, io.EOF) && len(line) > 0:
				return string(line), nil
			case err != nil:
				return "", err
			}
		}
	})
}

// during runs f, which cannot be interrupted. It returns early when ctx ends and leaves f running.
func during[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

// password asks for the password of a new user, or reads or generates it.
func (a *app) password(ctx context.Context, stdin, generate bool) (string, error) {
	switch {
	case generate:
		return rand.Text(), nil
	case stdin:
		return a.line(ctx)
	case terminal(a.In) == 0:
		return "", left4me.NewError(left4me.Invalid, "usage.no_terminal")
	}
	first, err := a.secret(ctx, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := a.secret(ctx, "Repeat password: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", left4me.NewError(left4me.Invalid, "usage.two_passwords")
	}
	return first, nil
}

// secret reads a line from the terminal without echo.
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
		_ = term.Restore(fd, before) // restore the terminal also after an interrupt
	}
	return string(typed), err
}

// terminal returns the width of a terminal, or 0 if v is not a terminal.
func terminal(v any) int {
	f, ok := v.(*os.File)
	if !ok || f == nil || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}
