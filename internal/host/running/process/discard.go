package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// Discard removes what a stopped server wrote at the given paths, which are relative to its merged
// tree. A file that the server changed or removed gets its original content back; a directory is
// discarded with its contents. Missing paths are no error. Errors: left4me.Busy if the server is up,
// left4me.Invalid for an invalid path.
func (s *Supervisor) Discard(ctx context.Context, n left4me.Name, paths []string) error {
	if !n.Valid() {
		return invalid(n)
	}
	for _, p := range paths {
		if !fs.ValidPath(p) || p == "." {
			return left4me.NewError(left4me.Invalid, "file.path_with_slashes", "path", p)
		}
	}
	if err := os.MkdirAll(s.cfg.Run, 0o700); err != nil {
		return fmt.Errorf("discard files of %s: %w", n, err)
	}
	lock, err := shim.Borrow(s.cfg.Run, n) // keeps the server from starting
	if errors.Is(err, shim.ErrSecond) {
		return left4me.NewError(left4me.Busy, "server.running", "server", n).Because(err)
	}
	if err != nil {
		return fmt.Errorf("discard files of %s: %w", n, err)
	}
	defer shim.Unlock(lock)
	upper, err := gameuser.OpenDir(string(s.cfg.Root), path.Join("runtime", string(n), "upper"))
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil // the game wrote no files that a server would see
	}
	if err != nil {
		return fmt.Errorf("discard files of %s: %w", n, err)
	}
	defer upper.Close()
	for _, p := range paths {
		err := discard(ctx, upper, p)
		var left *gameuser.LeftError
		if errors.As(err, &left) {
			at := filepath.Join(s.cfg.Root.Upper(n), p)
			err = left4me.NewError(left4me.Denied, "server.files_of_another", "path", at, "word", left4me.ShellWord(at)).Because(err)
		}
		if err != nil {
			return fmt.Errorf("discard files of %s: %w", n, err)
		}
	}
	return nil
}

// discard removes the path p below dir without following symbolic links.
func discard(ctx context.Context, dir *os.File, p string) error {
	first, rest, deeper := strings.Cut(p, "/")
	if !deeper {
		return gameuser.Remove(ctx, dir, first)
	}
	sub, err := gameuser.Enter(dir, first)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil // the game wrote no file there
	}
	if err != nil {
		return err
	}
	defer sub.Close()
	return discard(ctx, sub, rest)
}
