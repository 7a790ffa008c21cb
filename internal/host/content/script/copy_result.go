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

// What a script may leave.
const (
	maxFiles = 200_000
	maxBytes = 256 << 30
	maxDepth = 64
)

// Taken is what was copied.
type Taken struct {
	Files int
	Bytes int64
}

// take copies a tree into an empty directory: files and directories, with no
// other right than that to be executed. A copy, not the files themselves: who has
// one of them open can still write to it. All is counted, and there is room for
// all, before anything is copied; said is told how many bytes were. Errors:
// left4me.Invalid with the path of what a layer must not have, left4me.DiskFull.
func take(ctx context.Context, dir string, into *os.Root, said func(done, total int64)) (Taken, error) {
	from, err := os.OpenRoot(dir)
	if err != nil {
		return Taken{}, err
	}
	defer from.Close()
	t := taking{ctx: ctx, from: from, into: into, counting: true, said: said}
	// Without left4dead2 what was written lies where left4dead2 is.
	if st, err := from.Lstat(game); err != nil || !st.IsDir() {
		t.beneath = game
	}
	if err := t.directory(".", 0); err != nil {
		return Taken{}, err
	}
	if t.Files == 0 {
		return Taken{}, left4me.NewError(left4me.Invalid, "script.no_file")
	}
	if err := disk.Fits(into.Name(), t.Bytes); err != nil {
		return Taken{}, err
	}
	t.counting, t.total, t.Taken = false, t.Bytes, Taken{}
	if err := t.directory(".", 0); err != nil {
		return Taken{}, err
	}
	return t.Taken, nil
}

type taking struct {
	Taken
	ctx        context.Context
	from, into *os.Root
	beneath    string // what is taken goes
	counting   bool   // nothing is copied yet
	total      int64
	said       func(done, total int64)
}

// game is the directory that a layer has its files in.
const game = "left4dead2"

// to is where an entry goes: add-ons that lie about go where the game finds them.
func (t *taking) to(name string) string {
	if t.beneath != "" && path.Dir(name) == "." && strings.EqualFold(path.Ext(name), ".vpk") {
		return path.Join(t.beneath, "addons", name)
	}
	return path.Join(t.beneath, name)
}

func (t *taking) directory(name string, depth int) error {
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

func (t *taking) entry(name string, depth int) error {
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

func (t *taking) file(name string, mode fs.FileMode) error {
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
		if t.said != nil {
			t.said(before+n, t.total)
		}
	})
	return errors.Join(err, t.count(n), to.Close())
}

// count adds a file to what is taken.
func (t *taking) count(size int64) error {
	if t.Bytes += size; t.Bytes > maxBytes {
		return left4me.NewError(left4me.Invalid, "script.too_large", "limit", left4me.Bytes(maxBytes))
	}
	return nil
}
