package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// layout is the sink of Restore. It writes only under root.
type layout struct {
	target   Target
	root     *os.Root
	to       *receivers
	dirs     []*tar.Header // their modes and times are set last
	settings []string
	files    int64
	bytes    int64
}

func (l *layout) begin(h Head) error {
	if h.Schema > l.target.Schema {
		return left4me.NewError(left4me.Invalid, "backup.too_new", "version", h.Version, "schema", h.Schema, "known", l.target.Schema)
	}
	return l.root.Mkdir(settingsDir, 0o700)
}

func (l *layout) entry(h *tar.Header, in tree, content io.Reader) error {
	var err error
	switch h.Typeflag {
	case tar.TypeDir:
		l.dirs = append(l.dirs, h)
		err = l.root.Mkdir(h.Name, 0o700)
	case tar.TypeReg:
		err = l.file(h, in, content)
	case tar.TypeLink:
		return l.root.Link(h.Linkname, h.Name) // owner and mode belong to the linked file
	case tar.TypeSymlink:
		err = l.root.Symlink(h.Linkname, h.Name)
	case tar.TypeChar:
		err = l.whiteout(h.Name)
	}
	if err != nil {
		return err
	}
	if l.to != nil {
		top, _, _ := strings.Cut(h.Name, "/")
		o := l.to.of(in, top, h.Uname, h.Gname)
		if err := l.root.Lchown(h.Name, o.uid, o.gid); err != nil {
			return err
		}
		if h.Typeflag == tar.TypeReg {
			return l.root.Chmod(h.Name, fileMode(h.Mode)) // chown may have cleared bits of the mode
		}
	}
	return nil
}

func (l *layout) file(h *tar.Header, in tree, content io.Reader) error {
	if err := l.root.Remove(h.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // could not remove an earlier copy of the file
	}
	f, err := l.root.OpenFile(h.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := writeSparse(f, content, h.Size); err != nil {
		return err
	}
	if err := setXattrs(f, h); err != nil {
		return err
	}
	mode := fileMode(h.Mode)
	if h.Name == databaseName || path.Dir(h.Name) == settingsDir {
		mode = 0o600
	}
	if path.Dir(h.Name) == settingsDir {
		l.settings = append(l.settings, path.Base(h.Name))
	}
	if err := errors.Join(f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	l.files++
	l.bytes += h.Size
	return l.root.Chtimes(h.Name, h.ModTime, h.ModTime)
}

// writeSparse writes content and leaves holes for blocks of zeros. Games create files that are
// mostly holes.
func writeSparse(f *os.File, content io.Reader, size int64) error {
	buf := make([]byte, 64<<10)
	zero := make([]byte, len(buf))
	var at int64
	for {
		n, err := io.ReadFull(content, buf)
		if n > 0 && !bytes.Equal(buf[:n], zero[:n]) {
			if _, werr := f.WriteAt(buf[:n], at); werr != nil {
				return werr
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && at == size {
			return f.Truncate(at)
		}
		if err != nil {
			return err
		}
	}
}

func setXattrs(f *os.File, h *tar.Header) error {
	for k, v := range h.PAXRecords {
		if name, ok := strings.CutPrefix(k, xattrPrefix); ok {
			if err := unix.Fsetxattr(int(f.Fd()), name, []byte(v), 0); err != nil {
				return fmt.Errorf("%q: attribute %s: %w", h.Name, name, err)
			}
		}
	}
	return nil
}

// whiteout creates the character device 0:0, which needs no privileges since Linux 5.8.
func (l *layout) whiteout(name string) error {
	dir, err := l.root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Mknodat(int(dir.Fd()), path.Base(name), unix.S_IFCHR, 0); err != nil {
		return &os.PathError{Op: "mknod", Path: name, Err: err}
	}
	return nil
}

// finish sets modes, times and attributes of directories, the innermost first. Setting them earlier
// could have prevented writing.
func (l *layout) finish() error {
	for _, h := range slices.Backward(l.dirs) {
		d, err := l.root.Open(h.Name)
		if err != nil {
			return err
		}
		err = errors.Join(setXattrs(d, h), d.Chmod(fileMode(h.Mode)), d.Close(), l.root.Chtimes(h.Name, h.ModTime, h.ModTime))
		if err != nil {
			return err
		}
	}
	top, err := l.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(top.Fd())), top.Close())
}

func fileMode(mode int64) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	if mode&unix.S_ISGID != 0 {
		m |= fs.ModeSetgid
	}
	if mode&unix.S_ISVTX != 0 {
		m |= fs.ModeSticky
	}
	return m
}
