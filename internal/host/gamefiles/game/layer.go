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

// How overlayfs marks, with userxattr, what hides something in the layers below:
// a whiteout is a character device 0:0, or an empty file with the first of these
// where the second is "x"; an opaque directory has the second as "y".
const (
	whiteoutMark = "user.overlay.whiteout"
	opaqueMark   = "user.overlay.opaque"
)

// isWhiteout reports whether an entry of a layer stands for "nothing here".
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

// isOpaque reports whether a directory hides all that is below it.
func isOpaque(dir string) bool {
	var b [8]byte
	n, err := unix.Lgetxattr(dir, opaqueMark, b[:])
	return err == nil && string(b[:n]) == "y"
}

// lookup finds a file, not a directory, in a stack of layers as an overlay of
// them would show it. It follows no link.
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

// beneath gives the directories of a stack that an overlay would merge as the
// directory name in it, top first; none when it shows no directory there.
func beneath(stack []string, name string) []string {
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

// usage is what a directory takes on disk; a file with several names counts once.
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

// syncTree brings all that is beneath a directory to the disk.
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
