// Package disk says how much room there is, makes the one error for a full
// disk, and keeps an emergency reserve on each file system.
package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// Free returns how many bytes an ordinary user may still write where path is,
// which need not exist yet.
func Free(path string) (int64, error) {
	st, err := statfs(path)
	if err != nil {
		return 0, err
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// Room returns what Free does, and the margin that jobs leave free for servers,
// which write to the same disk: 1 GiB, or a fiftieth of a small one.
func Room(path string) (free, margin int64, err error) {
	st, err := statfs(path)
	if err != nil {
		return 0, 0, err
	}
	return int64(st.Bavail) * st.Bsize, min(1<<30, int64(st.Blocks)*st.Bsize/50), nil
}

// Least is what SQLite needs to open a database: its shared memory, and the head
// of a write-ahead log. Where less is free, nothing can be saved.
const Least = 64 << 10

// statfs asks the nearest directory above path that exists.
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

// IsFull reports whether err is about a full disk or a used-up quota.
func IsFull(err error) bool {
	return errors.Is(err, left4me.DiskFull) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// Full makes the error for a full disk: what was to be written to path needs
// need bytes, 0 when that isn't known. cause may be nil.
func Full(path string, need int64, cause error) *left4me.Error {
	if cause == nil {
		cause = unix.ENOSPC
	}
	var at, needed any        // nil: not told
	if filepath.IsAbs(path) { // of another one only who named it knows where it is
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

// Explain makes of an error that is about a full disk the one that says so, with
// the path that it names. Other errors are returned unchanged.
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
