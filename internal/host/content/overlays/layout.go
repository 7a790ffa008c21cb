package overlays

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// layout defines where a repository is stored and which group and mode its files have.
type layout struct {
	root  string // LEFT4ME_ROOT
	dir   string // overlays/
	group int    // group of the game servers; -1 leaves the group unchanged
}

// overlay returns the directory of an overlay.
func (l *layout) overlay(n left4me.Name) string { return filepath.Join(l.dir, string(n)) }

// makeDir creates a directory in overlays/ if it doesn't exist.
func (l *layout) makeDir(name string) error {
	if err := os.MkdirAll(l.dir, 0o751); err != nil {
		return err
	}
	err := os.Mkdir(filepath.Join(l.dir, name), 0o750)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// room returns left4me.DiskFull unless need bytes can be written. A margin must remain free,
// because servers write to the same disk.
func (l *layout) room(need int64) error { return disk.Fits(l.root, need) }

// diskFull converts an ENOSPC error to left4me.DiskFull and returns other errors unchanged. need is 0
// if unknown.
func (l *layout) diskFull(err error, need int64) error {
	if !disk.IsFull(err) {
		return err
	}
	return disk.Full(l.root, need, err)
}

// newDir contains revisions while they are built. It is on the same file system as the revisions
// and accessible only to left4me.
const newDir = ".new"

// removedDir contains files to be deleted. Renaming into it hides them immediately.
const removedDir = ".gone"

func (l *layout) private(job left4me.JobID) string {
	return filepath.Join(l.dir, newDir, string(job))
}

// moveToRemoved moves a directory to removedDir. A missing directory is not an error.
func (l *layout) moveToRemoved(dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := l.makeDir(removedDir); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Join(l.dir, removedDir), "")
	if err != nil {
		return err
	}
	return os.Rename(dir, filepath.Join(tmp, filepath.Base(dir)))
}

// names returns the overlays that have a directory.
func (l *layout) names() ([]left4me.Name, error) {
	entries, err := os.ReadDir(l.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []left4me.Name
	for _, e := range entries {
		if n := left4me.Name(e.Name()); n.Valid() && e.IsDir() {
			all = append(all, n)
		}
	}
	return all, nil
}

// share sets the group and mode of a file to those of layers.
func (l *layout) share(f *os.File, exec bool) error {
	if l.group >= 0 {
		if err := f.Chown(-1, l.group); err != nil {
			return fmt.Errorf("%w: add the user left4me to the game's group", err)
		}
	}
	mode := fs.FileMode(0o660)
	if exec {
		mode = 0o770
	}
	return f.Chmod(mode)
}
