package script

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// Limits for the files of a script.
const (
	maxFiles = 200_000
	maxBytes = 256 << 30
	maxDepth = 64
)

// Totals counts what was copied.
type Totals struct {
	Files int
	Bytes int64
}

// copyResult copies the files and directories of a tree into an empty directory, with no permission bits but
// the executable one. It copies instead of linking, because a process with an open file could still
// write to it. Before copying, it counts everything and checks the free space. progress receives the number
// of copied bytes. Errors: left4me.Invalid with the path of an entry that a layer must not contain,
// left4me.DiskFull.
func copyResult(ctx context.Context, dir string, into *os.Root, progress func(done, total int64)) (Totals, error) {
	from, err := os.OpenRoot(dir)
	if err != nil {
		return Totals{}, err
	}
	defer from.Close()
	t := copier{ctx: ctx, from: from, into: into, counting: true, progress: progress}
	// Without a directory left4dead2, the files are relative to left4dead2.
	if st, err := from.Lstat(game); err != nil || !st.IsDir() {
		t.prefix = game
	}
	if err := t.directory(".", 0); err != nil {
		return Totals{}, err
	}
	if t.Files == 0 {
		return Totals{}, left4me.NewError(left4me.Invalid, "script.no_file")
	}
	if err := disk.Fits(into.Name(), t.Bytes); err != nil {
		return Totals{}, err
	}
	t.counting, t.total, t.Totals = false, t.Bytes, Totals{}
	if err := t.directory(".", 0); err != nil {
		return Totals{}, err
	}
	return t.Totals, nil
}

type copier struct {
	Totals
	ctx        context.Context
	from, into *os.Root
	prefix     string // directory in the layer that the files are copied to
	counting   bool   // first pass: nothing is copied
	total      int64
	progress   func(done, total int64)
}

// game is the directory of a layer that contains its files.
const game = "left4dead2"

// to returns the target path of an entry. Add-ons at the top level are placed in the addons directory.
func (t *copier) to(name string) string {
	if t.prefix != "" && path.Dir(name) == "." && strings.EqualFold(path.Ext(name), ".vpk") {
		return path.Join(t.prefix, "addons", name)
	}
	return path.Join(t.prefix, name)
}

func (t *copier) directory(name string, depth int) error {
	if depth > maxDepth {
		return left4me.NewError(left4me.Invalid, "script.wrote_too_deep", "path", name)
	}
	f, err := t.from.OpenFile(name, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("what the script left: %w", err)
	}
	defer f.Close()
	for {
		entries, err := f.ReadDir(1000)
		for _, e := range entries {
			if err := t.entry(path.Join(name, e.Name()), depth+1); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("what the script left: %w", err)
		}
	}
}

func (t *copier) entry(name string, depth int) error {
	if err := t.ctx.Err(); err != nil {
		return context.Cause(t.ctx)
	}
	st, err := t.from.Lstat(name)
	if err != nil {
		return fmt.Errorf("what the script left: %w", err)
	}
	if t.Files++; t.Files > maxFiles {
		return left4me.NewError(left4me.Invalid, "script.too_many_files", "limit", maxFiles)
	}
	switch mode := st.Mode(); {
	case mode.IsDir():
		t.Files-- // only files count
		if !t.counting {
			if err := t.into.MkdirAll(t.to(name), 0o770); err != nil {
				return err
			}
		}
		return t.directory(name, depth)
	case mode.IsRegular() && t.counting:
		return t.count(st.Size())
	case mode.IsRegular():
		return t.file(name, mode)
	case mode&fs.ModeSymlink != 0:
		return left4me.NewError(left4me.Invalid, "script.wrote_link", "path", name)
	}
	return left4me.NewError(left4me.Invalid, "script.wrote_no_file_or_directory", "path", name)
}

func (t *copier) file(name string, mode fs.FileMode) error {
	from, err := t.from.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("what the script left: %w", err)
	}
	defer from.Close()
	st, err := from.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return errors.Join(err, left4me.NewError(left4me.Invalid, "script.wrote_no_file", "path", name))
	}
	place := t.to(name)
	if err := t.into.MkdirAll(path.Dir(place), 0o770); err != nil {
		return err
	}
	to, err := t.into.OpenFile(place, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o660|mode.Perm()&0o100|mode.Perm()&0o100>>3)
	if err != nil {
		return err
	}
	before := t.Bytes
	n, err := disk.Copy(t.ctx, to, from, st.Size(), func(n int64) {
		if t.progress != nil {
			t.progress(before+n, t.total)
		}
	})
	return errors.Join(err, t.count(n), to.Close())
}

// count adds a file to the totals.
func (t *copier) count(size int64) error {
	if t.Bytes += size; t.Bytes > maxBytes {
		return left4me.NewError(left4me.Invalid, "script.too_large", "limit", left4me.Bytes(maxBytes))
	}
	return nil
}
