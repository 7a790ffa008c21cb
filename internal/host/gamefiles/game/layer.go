package game

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Marks of overlayfs with the mount option userxattr. A whiteout is a character device 0:0, or an
// empty file with the whiteout attribute in a directory whose opaque attribute is "x". An opaque
// directory has the opaque attribute "y".
const (
	whiteoutMark = "user.overlay.whiteout"
	opaqueMark   = "user.overlay.opaque"
)

// isWhiteout reports whether an entry of a layer is a whiteout: the name is deleted.
func isWhiteout(name string, st fs.FileInfo) bool {
	if st.Mode()&fs.ModeCharDevice != 0 {
		sys, ok := st.Sys().(*syscall.Stat_t)
		return ok && sys.Rdev == 0
	}
	if !st.Mode().IsRegular() || st.Size() > 0 {
		return false
	}
	_, err := unix.Lgetxattr(name, whiteoutMark, nil)
	return err == nil
}

// isOpaque reports whether a directory hides the directories below it.
func isOpaque(dir string) bool {
	var b [8]byte
	n, err := unix.Lgetxattr(dir, opaqueMark, b[:])
	return err == nil && string(b[:n]) == "y"
}

// lookup returns the path of a regular file in a stack of layers, as an overlay of the layers would
// show it. It follows no symbolic links.
func lookup(stack []string, rel string) (string, error) {
	none := &fs.PathError{Op: "look up", Path: rel, Err: fs.ErrNotExist}
	parts := strings.Split(rel, "/")
	for _, layer := range stack {
		name, last := layer, false
		for i, part := range parts {
			name = filepath.Join(name, part)
			st, err := os.Lstat(name)
			switch {
			case errors.Is(err, fs.ErrNotExist):
			case err != nil:
				return "", err
			case isWhiteout(name, st):
				return "", none
			case i == len(parts)-1 && st.Mode().IsRegular():
				return name, nil
			case !st.IsDir():
				return "", none
			default:
				last = last || isOpaque(name)
				continue
			}
			break
		}
		if last {
			return "", none
		}
	}
	return "", none
}

// mergedDirs returns the directories that an overlay of the stack would merge under name, top first,
// or none if the overlay would show no directory there.
func mergedDirs(stack []string, name string) []string {
	var dirs []string
	for _, layer := range stack {
		dir := filepath.Join(layer, name)
		st, err := os.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil || !st.IsDir() {
			break
		}
		dirs = append(dirs, dir)
		if isOpaque(dir) {
			break
		}
	}
	return dirs
}

// usage returns the disk usage of a directory in bytes. A file with several hard links counts once.
func usage(dir string) (int64, error) {
	var sum int64
	seen := map[uint64]bool{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || st.Nlink > 1 && !d.IsDir() && seen[st.Ino] {
			return nil
		}
		seen[st.Ino] = true
		sum += st.Blocks * 512
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", filepath.Base(dir), err)
	}
	return sum, nil
}

// syncTree syncs the file system of a directory to disk.
func syncTree(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := unix.Syncfs(int(d.Fd())); err != nil {
		return &fs.PathError{Op: "sync", Path: dir, Err: err}
	}
	return nil
}
