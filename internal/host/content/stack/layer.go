package stack

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// The attributes with which overlayfs marks removed files when mounted with userxattr.
const (
	attrOpaque   = "user.overlay.opaque"   // on a directory; "y": opaque, "x": whiteouts may be regular files
	attrWhiteout = "user.overlay.whiteout" // on an empty file
)

// maxDir limits the number of entries of a directory in one layer: a plugin may create millions.
const maxDir = 200_000

// read calls tell for each entry of a directory, in no particular order. A missing directory, or a file
// in its place, has no entries.
func (l layer) read(dir string, tell func(name string, mode fs.FileMode, whiteout bool)) error {
	if dir == "" {
		dir = "."
	}
	f, err := l.open(dir, unix.O_DIRECTORY)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	files := attribute(f, attrOpaque) == "x" // only then can regular files be whiteouts
	for count := 0; ; {
		entries, err := f.ReadDir(1000)
		for _, e := range entries {
			mode, white := e.Type(), false
			if mode&fs.ModeCharDevice != 0 || files && mode.IsRegular() {
				st, err := e.Info()
				if errors.Is(err, fs.ErrNotExist) {
					continue // it was removed in the meantime
				}
				if err != nil {
					return err
				}
				if white, err = l.whiteoutIn(f, e.Name(), st); err != nil {
					return err
				}
			}
			tell(e.Name(), mode, white)
		}
		if count += len(entries); count > maxDir {
			return left4me.NewError(left4me.Invalid, "stack.too_many_entries", "dir", dir, "limit", maxDir)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// open opens an entry of the layer without following a symbolic link.
func (l layer) open(name string, flags int) (*os.File, error) {
	return l.root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|flags, 0)
}

// opaque reports whether a directory hides the entries of lower layers.
func (l layer) opaque(dir string) (bool, error) {
	f, err := l.open(dir, unix.O_DIRECTORY)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	return attribute(f, attrOpaque) == "y", nil
}

// whiteout reports whether an entry marks a removed file.
func (l layer) whiteout(name string, st fs.FileInfo) (bool, error) {
	if device(st) {
		return true, nil
	}
	if !st.Mode().IsRegular() || st.Size() != 0 {
		return false, nil
	}
	f, err := l.open(name, 0)
	if err != nil {
		return false, ignoreMissing(err)
	}
	defer f.Close()
	return has(f, attrWhiteout), nil
}

// whiteoutIn is like whiteout for an entry of an open directory.
func (l layer) whiteoutIn(dir *os.File, name string, st fs.FileInfo) (bool, error) {
	if device(st) {
		return true, nil
	}
	if !st.Mode().IsRegular() || st.Size() != 0 {
		return false, nil
	}
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, ignoreMissing(err)
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	return has(f, attrWhiteout), nil
}

// ignoreMissing returns nil for errors that mean that an entry was removed or can't be inspected; such an
// entry counts as no whiteout.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ELOOP) {
		return nil
	}
	return err
}

// device reports whether st is the character device 0:0.
func device(st fs.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && st.Mode()&fs.ModeCharDevice != 0 && sys.Rdev == 0
}

func attribute(f *os.File, name string) string {
	var b [8]byte
	n, err := unix.Fgetxattr(int(f.Fd()), name, b[:])
	if err != nil {
		return ""
	}
	return string(b[:n])
}

func has(f *os.File, name string) bool {
	_, err := unix.Fgetxattr(int(f.Fd()), name, nil)
	return err == nil
}
