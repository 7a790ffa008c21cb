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

// layout is where a repository is on the disk, and what its files must be like.
type layout struct {
	root  string // LEFT4ME_ROOT
	dir   string // overlays/
	group int    // that game servers run with; -1: files keep ours
}

// overlay is the directory of an overlay.
func (l *layout) overlay(n left4me.Name) string { return filepath.Join(l.dir, string(n)) }

// makeDir makes a directory of ours beneath overlays/.
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

// room says whether so many bytes may be written: servers write to the same
// disk, so a margin stays free. Errors: left4me.DiskFull.
func (l *layout) room(need int64) error { return disk.Fits(l.root, need) }

// full makes of an error for want of space one that says so; need is 0 when it
// isn't known.
func (l *layout) full(err error, need int64) error {
	if !disk.IsFull(err) {
		return err
	}
	return disk.Full(l.root, need, err)
}

// newDir is where revisions come into being: on the file system of the others,
// and nobody else's.
const newDir = ".new"

// removedDir is where what is being removed is: out of the way at once.
const removedDir = ".gone"

func (l *layout) private(job left4me.JobID) string {
	return filepath.Join(l.dir, newDir, string(job))
}

// away takes a directory out of the way at once; one that isn't there is no
// error.
func (l *layout) away(dir string) error {
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

// names are the overlays that have a directory.
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

// share gives a file of ours the group and mode that layers have.
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
