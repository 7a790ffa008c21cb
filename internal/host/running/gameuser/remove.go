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

// maxDepth limits the number of directories that are open at once. The part of a tree below that depth
// is moved to its top and removed from there, because a plugin can nest directories far deeper than a
// process may have files open.
const maxDepth = 100

// LeftError describes the first entry that Remove or Empty could not remove.
type LeftError struct {
	Path     string // relative to the given directory
	UID, GID uint32 // owner of the entry, or of the directory that can't be modified
	Err      error
}

func (e *LeftError) Error() string { return fmt.Sprintf("remove %s: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *LeftError) Unwrap() error { return e.Err }

// Remove removes the entry name of dir and everything below it, regardless of modes. It follows no
// symbolic links and enters no mount points. A missing entry is a success. Remove continues after
// failures; its error is a *LeftError or that of ctx.
func Remove(ctx context.Context, dir *os.File, name string) error {
	r := remover{ctx: ctx, top: -1}
	if r.entry(dir, name, name, 0) {
		return nil
	}
	return r.err()
}

// Empty removes all entries of dir in the same way as Remove.
func Empty(ctx context.Context, dir *os.File) error {
	r := remover{ctx: ctx, top: int(dir.Fd())}
	if r.entries(dir, ".", 0) {
		return nil
	}
	return r.err()
}

type remover struct {
	ctx  context.Context
	top  int // destination for parts of a deep tree
	left *LeftError
}

func (r *remover) err() error {
	if err := r.ctx.Err(); err != nil || r.left == nil {
		return err
	}
	return r.left
}

// entry removes dir/name and reports whether it no longer exists. p is its path for errors.
func (r *remover) entry(dir *os.File, name, p string, depth int) bool {
	if r.ctx.Err() != nil {
		return false
	}
	d := int(dir.Fd())
	unlinked := func(flags int) bool {
		err := unix.Unlinkat(d, name, flags)
		return err == nil || errors.Is(err, unix.ENOENT)
	}
	if unlinked(0) || unlinked(unix.AT_REMOVEDIR) {
		return true
	}
	sub, err := Enter(dir, name)
	if errors.Is(err, unix.ENOENT) {
		return true
	}
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) { // a file or link: get the error that kept it
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

// entries removes everything in dir and reports whether it is empty. It repeats until a pass removes
// nothing: parts of deep trees may be moved into dir, and a file system may skip entries while others
// are being removed.
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

// fail records the first failure. If the directory refuses the removal, its owner is recorded.
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

// Enter opens a directory in dir for emptying and makes it writable for its owner and group, since its
// files may belong to the game's user or to left4me. It first opens the directory with O_PATH, so that
// no link is followed and no mount point is entered. Errors: fs.ErrNotExist, unix.ENOTDIR, unix.ELOOP
// for a link, unix.EXDEV for a mount point.
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
