package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// Watch detects that the file system of a directory is missing: it was unmounted, its disk was
// removed, or it answers every read with an error. The empty mount point that then appears must not
// be mistaken for a directory whose files were deleted.
//
// Watch remembers a directory once it has content. Check adopts a directory that is created or
// mounted later, and forgets one that was deleted from the file system of the root. The zero Watch
// watches nothing. It is safe for concurrent use.
type Watch struct {
	mu    sync.Mutex
	dirs  []string
	known map[string]identity
}

// identity identifies a directory.
type identity struct {
	dev, ino uint64
	fsid     unix.Fsid // zero if the file system has none
}

// NewWatch watches a root and directories under it, which need not exist yet.
func NewWatch(root string, beneath ...string) *Watch {
	w := &Watch{dirs: []string{root}, known: map[string]identity{}}
	for _, d := range beneath {
		w.dirs = append(w.dirs, filepath.Join(root, d))
	}
	return w
}

// Check returns nil while every remembered directory is present. It takes a few system calls per
// directory. Errors: left4me.Unavailable with the first missing directory, until its file system is
// back.
func (w *Watch) Check() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.dirs {
		if err := w.check(d); err != nil {
			return err
		}
	}
	return nil
}

func (w *Watch) check(dir string) error {
	before, known := w.known[dir]
	now, empty, err := inspect(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !known, errors.Is(err, fs.ErrPermission):
		return nil
	case errors.Is(err, fs.ErrNotExist) && w.deleted(dir):
		delete(w.known, dir)
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return left4me.NewError(left4me.Unavailable, "disk.gone", "dir", dir).Because(err)
	case err != nil:
		return left4me.NewError(left4me.Unavailable, "disk.unreadable", "dir", dir, "reason", cause(err)).Because(err)
	case known && now.dev != before.dev && !now.same(before):
		return left4me.NewError(left4me.Unavailable, "disk.another", "dir", dir)
	case known && now.dev == before.dev && now.ino != before.ino && empty:
		return left4me.NewError(left4me.Unavailable, "disk.emptied", "dir", dir)
	case known || !empty:
		w.known[dir] = now
	}
	return nil
}

// deleted reports whether a missing directory was deleted: it was on the file system of the root. A
// mount point, in contrast, remains after the unmount.
func (w *Watch) deleted(dir string) bool {
	root, ok := w.known[w.dirs[0]]
	return ok && dir != w.dirs[0] && root.dev == w.known[dir].dev
}

// same reports whether two identities are the same directory on different device numbers: a disk
// may get a new number each time it is mounted.
func (i identity) same(o identity) bool {
	return i.ino == o.ino && i.fsid == o.fsid && i.fsid != unix.Fsid{}
}

func inspect(dir string) (i identity, empty bool, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return i, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return i, false, err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		i.dev, i.ino = st.Dev, st.Ino
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return i, false, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	i.fsid = st.Fsid
	names, err := f.Readdirnames(len(ignoredNames) + 1)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return i, !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(ignoredNames, n) }), err
}

// ignoredNames lists the entries that do not count as content of a directory.
var ignoredNames = []string{reserveName, "lost+found"}

// cause returns an error without its path.
func cause(err error) error {
	var e syscall.Errno
	if errors.As(err, &e) {
		return e
	}
	return err
}
