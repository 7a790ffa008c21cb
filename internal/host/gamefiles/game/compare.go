package game

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const compareBlock = 256 << 10

// comparison compares a layer with the stack below it.
type comparison struct {
	Changes
	ctx context.Context
	buf []byte
}

// dir compares a directory of the layer with stack, the directories that it is merged with.
func (c *comparison) dir(dir string, stack []string, top bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		name := filepath.Join(dir, e.Name())
		st, err := e.Info()
		switch {
		case err != nil:
			return err
		case top && e.Name() == "steamapps": // SteamCMD's own files change on each run
		case isWhiteout(name, st):
			c.Files++
		case st.IsDir():
			err = c.subdir(name, stack)
		default:
			err = c.file(name, st, stack)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) subdir(name string, stack []string) error {
	below := mergedDirs(stack, filepath.Base(name))
	if isOpaque(name) {
		if len(below) > 0 {
			c.Files++ // the files that the whiteout hides
		}
		return c.dir(name, nil, false)
	}
	if err := c.dir(name, below, false); err != nil {
		return err
	}
	if len(below) == 0 {
		return nil
	}
	err := unix.Rmdir(name) // removes the directory only if it is empty; the stack has it too
	if err != nil && !errors.Is(err, unix.ENOTEMPTY) {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
	return nil
}

func (c *comparison) file(name string, st fs.FileInfo, stack []string) error {
	if st.Mode().IsRegular() {
		same, err := c.same(name, st, stack)
		if err != nil {
			return err
		}
		if same {
			return os.Remove(name)
		}
		c.Bytes += st.Size()
	}
	c.Files++
	return nil
}

// same reports whether the stack has a file with the same size, mode and content.
func (c *comparison) same(name string, st fs.FileInfo, stack []string) (bool, error) {
	old, err := lookup(stack, filepath.Base(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	was, err := os.Lstat(old)
	if err != nil {
		return false, err
	}
	if was.Size() != st.Size() || was.Mode().Perm() != st.Mode().Perm() {
		return false, nil
	}
	a, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer a.Close()
	b, err := os.Open(old)
	if err != nil {
		return false, err
	}
	defer b.Close()
	for {
		if err := c.ctx.Err(); err != nil {
			return false, err
		}
		n, errA := io.ReadFull(a, c.buf[:compareBlock])
		m, errB := io.ReadFull(b, c.buf[compareBlock:])
		if n != m || !bytes.Equal(c.buf[:n], c.buf[compareBlock:compareBlock+m]) {
			return false, nil
		}
		if errA != nil || errB != nil {
			end := func(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
			return end(errA) && end(errB), nil
		}
	}
}
