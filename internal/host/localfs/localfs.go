// Package localfs implements hostfs.FS for the machine that control runs on.
package localfs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/hostfs"
)

// FS accesses the files under a root of left4me. It is safe for concurrent use.
type FS struct {
	root string
	put  sync.Mutex // held while Put uses its temporary file, whose name depends on the target
}

// New returns an FS for root, which need not exist yet.
func New(root string) *FS { return &FS{root: root} }

var _ hostfs.FS = (*FS)(nil)

// at calls do with the top-level directory of p, opened, and the rest of p. The top-level directory
// may be a symbolic link, for example to another disk; at fails if a directory of the rest is one.
// A link that another process creates in the meantime may be followed, but never out of the
// top-level directory. Errors name p.
func (f *FS) at(ctx context.Context, op, p string, do func(dir *os.Root, rest string) error) error {
	err := ctx.Err()
	if err == nil && (!fs.ValidPath(p) || p == ".") {
		err = fs.ErrInvalid
	}
	if err == nil {
		top, rest, _ := strings.Cut(p, "/")
		var dir *os.Root
		if dir, err = os.OpenRoot(filepath.Join(f.root, top)); err == nil {
			defer dir.Close()
			if rest == "" {
				rest = "."
			}
			if err = noLink(dir, path.Dir(rest)); err == nil {
				err = do(dir, rest)
			}
		}
	}
	if err == nil {
		return nil
	}
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	if op == "open" && (errors.Is(err, unix.ENAMETOOLONG) || errors.Is(err, unix.EINVAL)) {
		err = fs.ErrInvalid // no file can have this name: it is too long or contains a zero byte
	}
	return &fs.PathError{Op: op, Path: filepath.Join(f.root, filepath.FromSlash(p)), Err: err}
}

// Stat implements hostfs.FS.
func (f *FS) Stat(ctx context.Context, p string) (info hostfs.Info, err error) {
	err = f.at(ctx, "stat", p, func(dir *os.Root, rest string) error {
		st, err := dir.Lstat(rest)
		if err == nil {
			info = describe(st)
			info.Name = path.Base(p)
		}
		return err
	})
	return info, err
}

func describe(st fs.FileInfo) hostfs.Info {
	i := hostfs.Info{
		Name: st.Name(), ModTime: st.ModTime(), Dir: st.IsDir(),
		Regular: st.Mode().IsRegular(), Executable: st.Mode()&0o100 != 0,
	}
	if i.Regular {
		i.Size = st.Size()
	}
	return i
}

// List implements hostfs.FS. It skips entries that are deleted during the call.
func (f *FS) List(ctx context.Context, p string) (all []hostfs.Info, err error) {
	err = f.at(ctx, "list", p, func(dir *os.Root, rest string) error {
		if err := dirs(dir, rest); err != nil {
			return err
		}
		d, err := dir.Open(rest)
		if err != nil {
			return err
		}
		defer d.Close()
		entries, err := d.ReadDir(-1)
		for _, e := range entries {
			if st, err := e.Info(); err == nil {
				all = append(all, describe(st))
			}
		}
		return err
	})
	return all, err
}

// noLink returns fs.ErrInvalid if a part of the path is a symbolic link, because os.Root follows
// links that stay inside it. The path need not exist completely.
func noLink(dir *os.Root, p string) error {
	for i := range len(p) + 1 {
		if i < len(p) && p[i] != '/' {
			continue
		}
		switch st, err := dir.Lstat(p[:i]); {
		case err != nil:
			return nil // the caller's next operation on the path returns the error
		case st.Mode()&fs.ModeSymlink != 0:
			return fs.ErrInvalid
		}
	}
	return nil
}

// dirs returns fs.ErrInvalid if a part of the path is not a directory.
func dirs(dir *os.Root, p string) error {
	for i := range len(p) + 1 {
		if i < len(p) && p[i] != '/' {
			continue
		}
		st, err := dir.Lstat(p[:i])
		if err != nil {
			return err
		}
		if !st.IsDir() {
			return fs.ErrInvalid
		}
	}
	return nil
}

// openRegular opens a regular file if neither the file nor a directory above it is a symbolic link.
// It does not open pipes, which would block.
func openRegular(dir *os.Root, p string, flag int) (*os.File, fs.FileInfo, error) {
	if parent := path.Dir(p); parent != "." {
		if err := dirs(dir, parent); err != nil {
			return nil, nil, err
		}
	}
	is, err := dir.Lstat(p)
	made := errors.Is(err, fs.ErrNotExist) && flag&os.O_CREATE != 0
	switch {
	case made:
		flag |= os.O_EXCL
	case err != nil:
		return nil, nil, err
	case !is.Mode().IsRegular():
		return nil, nil, fs.ErrInvalid
	}
	file, err := dir.OpenFile(p, flag|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, nil, err
	}
	st, err := file.Stat()
	if err == nil && !made && !os.SameFile(is, st) {
		err = fs.ErrNotExist // the file was replaced after Lstat
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, st, nil
}

// reader is an open file and its description at the time of opening.
type reader struct {
	*os.File
	info hostfs.Info
}

// Info implements hostfs.Reader.
func (r reader) Info() hostfs.Info { return r.info }

// Open implements hostfs.FS.
func (f *FS) Open(ctx context.Context, p string) (r hostfs.Reader, err error) {
	err = f.at(ctx, "open", p, func(dir *os.Root, rest string) error {
		file, st, err := openRegular(dir, rest, os.O_RDONLY)
		if err == nil {
			r = reader{file, describe(st)}
		}
		return err
	})
	return r, err
}

// writer is a file opened for writing.
type writer struct{ *os.File }

// Sync writes the content to disk, with the metadata that is needed to read it.
func (w writer) Sync() error { return unix.Fdatasync(int(w.Fd())) }

// OpenWriter implements hostfs.FS. It creates files with mode 0600.
func (f *FS) OpenWriter(ctx context.Context, p string) (w hostfs.Writer, err error) {
	err = f.at(ctx, "open", p, func(dir *os.Root, rest string) error {
		file, _, err := openRegular(dir, rest, os.O_WRONLY|os.O_CREATE)
		if err == nil {
			w = writer{file}
		}
		return err
	})
	return w, err
}

// Append implements hostfs.FS.
func (f *FS) Append(ctx context.Context, p string, data []byte) error {
	return f.at(ctx, "append to", p, func(dir *os.Root, rest string) error {
		file, _, err := openRegular(dir, rest, os.O_WRONLY|os.O_CREATE|os.O_APPEND)
		if err != nil {
			return err
		}
		_, err = file.Write(data)
		return errors.Join(err, durable.Close(file))
	})
}

// Put implements hostfs.FS.
func (f *FS) Put(ctx context.Context, p string, data []byte) error {
	return f.at(ctx, "put", p, func(dir *os.Root, rest string) error {
		f.put.Lock()
		defer f.put.Unlock()
		file, _, err := openRegular(dir, rest+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
		if err != nil {
			return err
		}
		if _, err = file.Write(data); err != nil {
			return errors.Join(err, file.Close(), dir.Remove(rest+".new"))
		}
		return durable.ReplaceIn(dir, file, rest+".new", rest)
	})
}

// MakeDir implements hostfs.FS. It creates top-level directories with mode 0751 and others with
// mode 0700.
func (f *FS) MakeDir(ctx context.Context, p string) error {
	top, _, _ := strings.Cut(p, "/")
	if fs.ValidPath(p) && p != "." {
		if err := os.MkdirAll(filepath.Join(f.root, top), 0o751); err != nil {
			return err
		}
	}
	return f.at(ctx, "make directory", p, func(dir *os.Root, rest string) error {
		if err := dir.MkdirAll(rest, 0o700); err != nil {
			return err
		}
		return dirs(dir, rest)
	})
}

// Rename implements hostfs.FS.
func (f *FS) Rename(ctx context.Context, from, to string) error {
	top, _, _ := strings.Cut(from, "/")
	rest, ok := strings.CutPrefix(to, top+"/")
	if !ok || !fs.ValidPath(to) {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrInvalid}
	}
	return f.at(ctx, "rename", from, func(dir *os.Root, old string) error {
		parent := path.Dir(rest)
		if err := noLink(dir, parent); err != nil {
			return err
		}
		if err := dir.MkdirAll(parent, 0o700); err != nil {
			return err
		}
		if parent != "." {
			if err := dirs(dir, parent); err != nil {
				return err
			}
		}
		return dir.Rename(old, rest)
	})
}

// Remove implements hostfs.FS.
func (f *FS) Remove(ctx context.Context, p string) error {
	err := f.at(ctx, "remove", p, func(dir *os.Root, rest string) error {
		if rest == "." {
			return fs.ErrInvalid // left4me's own directories must not be removed
		}
		return dir.RemoveAll(rest)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Touch implements hostfs.FS.
func (f *FS) Touch(ctx context.Context, p string, at time.Time) error {
	return f.at(ctx, "touch", p, func(dir *os.Root, rest string) error {
		if err := noLink(dir, rest); err != nil {
			return err
		}
		return dir.Chtimes(rest, at, at)
	})
}

// Space implements hostfs.FS.
func (f *FS) Space(ctx context.Context, p string) (space hostfs.Space, err error) {
	err = f.at(ctx, "statfs", p, func(dir *os.Root, rest string) error {
		if err := noLink(dir, rest); err != nil {
			return err
		}
		d, err := dir.Open(rest)
		if err != nil {
			return err
		}
		defer d.Close()
		var st unix.Statfs_t
		if err := unix.Fstatfs(int(d.Fd()), &st); err != nil {
			return err
		}
		space = hostfs.Space{
			Free: int64(st.Bavail) * st.Bsize, Total: int64(st.Blocks) * st.Bsize, //nolint:unconvert // other machines have other types
			Path: filepath.Join(f.root, filepath.FromSlash(p)),
		}
		return nil
	})
	return space, err
}
