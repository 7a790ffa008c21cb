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

// Empty removes the contents of a stopped server's runtime directory, regardless of the modes that
// the game has set. What this user may not remove stays and is no error; the caller handles it. Errors:
// left4me.Busy if the server is up.
func (s *Supervisor) Empty(ctx context.Context, n left4me.Name) error {
	if !n.Valid() {
		return invalid(n)
	}
	if err := os.MkdirAll(s.cfg.Run, 0o700); err != nil {
		return fmt.Errorf("empty %s: %w", n, err)
	}
	lock, err := shim.Borrow(s.cfg.Run, n) // keeps the server from starting
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

// empty removes everything in a server's runtime directory that this user may remove. If the directory
// is missing or not a directory, there is nothing to remove.
func empty(ctx context.Context, root string, n left4me.Name) error {
	// Open the full path at once: the game's user may traverse runtime, but not read it.
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

// nothing returns nil for errors that mean that the path is missing, no directory, or inaccessible to
// this user.
func nothing(err error) error {
	for _, expected := range []error{unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.EACCES} {
		if errors.Is(err, expected) {
			return nil
		}
	}
	return err
}
