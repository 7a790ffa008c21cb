package overlayfs

import (
	"errors"
	"io"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me"
)

// workDepth is how deep overlayfs nests what it prepares in its work directory.
const workDepth = 3

// clearWork removes the directory that overlayfs leaves behind in work, which
// only root can enter and which would keep the instance from being removed. What
// is more than overlayfs can have left stays where it is.
func (r *Root) clearWork(n left4me.Name) error {
	work, err := r.directory(path.Join("runtime", string(n), "work"))
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer work.Close()
	err = removeDir(int(work.Fd()), "work", workDepth)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil // the next mount sees to it
	}
	return err
}

// removeDir removes a directory in dir and what is in it, following no link.
func removeDir(dir int, name string, depth int) error {
	err := unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	// A whiteout that all others were links of stays when the mount goes.
	if !errors.Is(err, unix.ENOTEMPTY) || depth == 0 {
		return err
	}
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	names, err := f.Readdirnames(1000)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for _, n := range names {
		err := unix.Unlinkat(fd, n, 0)
		if errors.Is(err, unix.EISDIR) {
			err = removeDir(fd, n, depth-1)
		}
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
}
