package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// Empty removes what a stopped server has in its runtime directory, whatever modes
// the game gave to it. What this user may not remove stays, and is no error: the
// caller sees to it. Errors: left4me.Busy when the server is up.
func (s *Supervisor) Empty(ctx context.Context, n left4me.Name) error {
	if !n.Valid() {
		return invalid(n)
	}
	if err := os.MkdirAll(s.cfg.Run, 0o700); err != nil {
		return fmt.Errorf("empty %s: %w", n, err)
	}
	lock, err := shim.Borrow(s.cfg.Run, n) // nothing starts meanwhile
	if errors.Is(err, shim.ErrSecond) {
		return left4me.NewError(left4me.Busy, "server.running", "server", n).Because(err)
	}
	if err != nil {
		return fmt.Errorf("empty %s: %w", n, err)
	}
	defer shim.Unlock(lock)
	if err := empty(ctx, string(s.cfg.Root), n); err != nil {
		return fmt.Errorf("empty %s: %w", n, err)
	}
	return nil
}

// empty removes everything in the runtime directory of a server that this user may
// remove. A server without one, or with something else in its place, has nothing
// that could be emptied.
func empty(ctx context.Context, root string, n left4me.Name) error {
	// At once: the user of the games may pass through runtime, but not list it.
	dir, err := gameuser.OpenDir(root, path.Join("runtime", string(n)))
	if err != nil {
		return nothing(err)
	}
	defer dir.Close()
	err = gameuser.Empty(ctx, dir)
	var left *gameuser.LeftError
	if errors.As(err, &left) {
		return nil
	}
	return err
}

// nothing makes the errors of what isn't there, isn't a directory, or is none of
// this user's business a success.
func nothing(err error) error {
	for _, expected := range []error{unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.EACCES} {
		if errors.Is(err, expected) {
			return nil
		}
	}
	return err
}
