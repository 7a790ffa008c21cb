// Package disk reports free space, creates the error for a full disk, and keeps an emergency
// reserve on each file system.
package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// Free returns the number of bytes that an unprivileged user may still write to the file system of
// path. The path need not exist.
func Free(path string) (int64, error) {
	st, err := statfs(path)
	if err != nil {
		return 0, err
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// Room returns the result of Free, and the margin that jobs must leave free for servers, which
// write to the same disk: 1 GiB, or 1/50 of a smaller disk.
func Room(path string) (free, margin int64, err error) {
	st, err := statfs(path)
	if err != nil {
		return 0, 0, err
	}
	return int64(st.Bavail) * st.Bsize, min(1<<30, int64(st.Blocks)*st.Bsize/50), nil
}

// Least is the free space that SQLite needs to open a database: for its shared memory and the
// header of a write-ahead log. With less, nothing can be saved.
const Least = 64 << 10

// statfs queries the file system of path, or of its nearest existing parent.
func statfs(path string) (st unix.Statfs_t, err error) {
	for {
		err = unix.Statfs(path, &st)
		up := filepath.Dir(path)
		if !errors.Is(err, fs.ErrNotExist) || up == path {
			break
		}
		path = up
	}
	if err != nil {
		err = &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return st, err
}

// IsFull reports whether err was caused by a full disk or an exhausted quota.
func IsFull(err error) bool {
	return errors.Is(err, left4me.DiskFull) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// Full returns the error for a full disk. need is the number of bytes to be written to path, 0 if
// unknown. cause may be nil.
func Full(path string, need int64, cause error) *left4me.Error {
	if cause == nil {
		cause = unix.ENOSPC
	}
	var at, needed any        // nil: left out
	if filepath.IsAbs(path) { // a relative path means nothing to other processes
		at = path
	}
	if need > 0 {
		needed = left4me.Bytes(need)
	}
	var e *left4me.Error
	switch st, err := statfs(path); {
	case errors.Is(cause, unix.EDQUOT) && at == nil:
		e = left4me.NewError(left4me.DiskFull, "disk.quota_somewhere", "needed", needed)
	case errors.Is(cause, unix.EDQUOT):
		e = left4me.NewError(left4me.DiskFull, "disk.quota", "path", at, "needed", needed)
	case err != nil, at == nil:
		e = left4me.NewError(left4me.DiskFull, "disk.full", "path", at, "free", nil, "needed", needed)
	case st.Files > 0 && st.Ffree == 0:
		e = left4me.NewError(left4me.DiskFull, "disk.no_inodes", "path", at, "needed", needed)
	default:
		free := left4me.Bytes(int64(st.Bavail) * st.Bsize)
		e = left4me.NewError(left4me.DiskFull, "disk.full", "path", at, "free", free, "needed", needed)
	}
	return e.Because(cause)
}

// Explain converts an error caused by a full disk to the error that Full creates, with the path of
// the original. It returns other errors unchanged.
func Explain(err error) error {
	if !IsFull(err) || errors.Is(err, left4me.DiskFull) {
		return err
	}
	var (
		path string
		of   *fs.PathError
		link *os.LinkError
	)
	switch {
	case errors.As(err, &of):
		path = of.Path
	case errors.As(err, &link):
		path = link.New
	}
	return Full(path, 0, err)
}
