package gameuser

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxDepth is how many directories are open at once. A tree that is deeper is cut
// there, and the part below is moved to its top and removed from there: a plugin
// can nest directories far deeper than the number of files that a process may
// have open.
const maxDepth = 100

// LeftError is what Remove and Empty could not remove: the first of all.
type LeftError struct {
	Path     string // relative to the directory that was given
	UID, GID uint32 // owner of the entry, or of the directory that can't be changed
	Err      error
}

func (e *LeftError) Error() string { return fmt.Sprintf("remove %s: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *LeftError) Unwrap() error { return e.Err }

// Remove removes the entry name of dir and everything beneath it, whatever its
// modes are, and follows no link. It enters nothing that is mounted. An entry that
// isn't there is a success. It removes what it can: an error is a *LeftError, or
// that of ctx.
func Remove(ctx context.Context, dir *os.File, name string) error {
	r := remover{ctx: ctx, top: -1}
	if r.entry(dir, name, name, 0) {
		return nil
	}
	return r.err()
}

// Empty removes every entry of dir as Remove does.
func Empty(ctx context.Context, dir *os.File) error {
	r := remover{ctx: ctx, top: int(dir.Fd())}
	if r.entries(dir, ".", 0) {
		return nil
	}
	return r.err()
}

type remover struct {
	ctx  context.Context
	top  int // where parts of a deep tree are moved to
	left *LeftError
}

func (r *remover) err() error {
	if err := r.ctx.Err(); err != nil || r.left == nil {
		return err
	}
	return r.left
}

// entry reports whether dir/name is gone; p is its path for people.
func (r *remover) entry(dir *os.File, name, p string, depth int) bool {
	if r.ctx.Err() != nil {
		return false
	}
	d := int(dir.Fd())
	gone := func(flags int) bool {
		err := unix.Unlinkat(d, name, flags)
		return err == nil || errors.Is(err, unix.ENOENT)
	}
	if gone(0) || gone(unix.AT_REMOVEDIR) {
		return true
	}
	sub, err := Enter(dir, name)
	if errors.Is(err, unix.ENOENT) {
		return true
	}
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) { // a file or a link: why did it stay?
		err = unix.Unlinkat(d, name, 0)
	}
	if err != nil {
		return r.fail(dir, name, p, err)
	}
	defer sub.Close()
	if r.top < 0 {
		r.top = int(sub.Fd())
	}
	if depth >= maxDepth {
		if err := unix.Renameat(d, name, r.top, ".left4me-"+rand.Text()); err != nil {
			return r.fail(dir, name, p, err)
		}
		return true
	}
	r.entries(sub, p, depth+1)
	err = unix.Unlinkat(d, name, unix.AT_REMOVEDIR)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return true
	}
	return r.fail(dir, name, p, err)
}

// entries reports whether everything in dir is gone. It goes through dir until a
// pass removes nothing: entries may come to its top meanwhile, and a file system
// may leave out some while others are removed.
func (r *remover) entries(dir *os.File, p string, depth int) (all bool) {
	for {
		removed := false
		all = true
		for {
			names, err := dir.Readdirnames(1000)
			for _, n := range names {
				if r.entry(dir, n, path.Join(p, n), depth) {
					removed = true
				} else {
					all = false
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return r.fail(dir, ".", p, err)
			}
		}
		if !removed || r.ctx.Err() != nil {
			return all
		}
		if _, err := dir.Seek(0, io.SeekStart); err != nil {
			return r.fail(dir, ".", p, err)
		}
	}
}

// fail remembers the first failure. When the directory refuses, its owner is the
// one to name.
func (r *remover) fail(dir *os.File, name, p string, err error) bool {
	if r.left != nil || r.ctx.Err() != nil {
		return false
	}
	var st unix.Stat_t
	if serr := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); serr != nil {
		_ = unix.Fstat(int(dir.Fd()), &st)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR && (errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM)) {
		_ = unix.Fstat(int(dir.Fd()), &st)
		p = path.Dir(p)
	}
	r.left = &LeftError{Path: p, UID: st.Uid, GID: st.Gid, Err: err}
	return false
}

// Enter opens a directory in dir for emptying, and makes it one that its owner and its
// group may change: what is in it may be of either the game's user or left4me. It
// is opened without any right to it first, so that no link is followed and nothing
// that is mounted is entered. Errors: fs.ErrNotExist, unix.ENOTDIR, unix.ELOOP for a
// link, unix.EXDEV for a mount.
func Enter(dir *os.File, name string) (*os.File, error) {
	at, err := openAt(dir, name, unix.O_PATH|unix.O_DIRECTORY, beneath|unix.RESOLVE_NO_XDEV)
	if err != nil {
		return nil, err
	}
	defer at.Close()
	self := "/proc/self/fd/" + strconv.Itoa(int(at.Fd()))
	if err := unix.Chmod(self, 0o770); err != nil && !errors.Is(err, unix.EPERM) {
		return nil, err
	}
	return os.OpenFile(self, unix.O_RDONLY|unix.O_DIRECTORY, 0)
}
