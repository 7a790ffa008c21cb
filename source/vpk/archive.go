package vpk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// inThisFile is the archive index of data that stands behind the tree.
const inThisFile = 0x7fff

// Entry is a file in an archive.
type Entry struct {
	Path string // as the tree has it, with slashes; not checked
	Size int64  // bytes, those that stand in the tree among them
	CRC  uint32 // CRC-32 (IEEE) of all of them

	place   int64 // of the entry in the tree
	preload int64 // where its first bytes are, of which there are head
	head    int64
	index   uint16 // of the file that has the rest
	offset  int64  // there; absolute
}

// Archive is an open archive. Its methods may be called concurrently. As an [fs.FS] its files are read-only, their modes
// 0444, and have no times; reading doesn't check sums, [Archive.Verify] does. Names are as the tree has them, and in
// case of doubt the first entry of a name counts.
type Archive struct {
	Version  int
	TreeSize int64 // in bytes
	// Declared is the size of the tree that the header tells. A tree has its own end, which counts here; the game looks
	// for the data behind the size that is told. Where the two differ, checksums say where the data is, see Misled.
	Declared int64

	name    string // base name
	file    io.ReaderAt
	size    int64
	header  int64
	entries []Entry
	data    int64 // where the data in this file begins
	v2      sections

	fsys   fs.FS // where the other files are
	mu     sync.Mutex
	parts  map[uint16]*part
	closer []io.Closer

	tree func() *tree
}

// part is one of the other files.
type part struct {
	name string
	r    io.ReaderAt
	size int64
	err  error
}

// Open opens an archive of this machine; of one in several files it is the one whose name ends in _dir.vpk. Errors are of
// type *Error or about the file itself.
func Open(name string) (*Archive, error) {
	return OpenFS(os.DirFS(filepath.Dir(name)), filepath.Base(name))
}

// OpenFS opens an archive of a file system whose files are io.ReaderAt, as those of os.DirFS and os.Root are.
func OpenFS(fsys fs.FS, name string) (*Archive, error) {
	f, size, err := openAt(fsys, name)
	if err != nil {
		return nil, err
	}
	a, err := New(f, size, path.Base(name))
	if err != nil {
		f.Close()
		return nil, err
	}
	a.closer = append(a.closer, f)
	if a.fsys, err = fs.Sub(fsys, path.Dir(name)); err != nil {
		f.Close()
		return nil, err
	}
	return a, nil
}

// New reads an archive of so many bytes. name is its base name, for errors and for the names of the other files, which
// it doesn't have: their entries can't be opened.
func New(r io.ReaderAt, size int64, name string) (*Archive, error) {
	a := &Archive{name: name, file: r, size: size, parts: map[uint16]*part{}}
	if err := a.parse(); err != nil {
		return nil, err
	}
	a.tree = sync.OnceValue(a.makeTree)
	return a, nil
}

type readerAtCloser interface {
	io.ReaderAt
	io.Closer
}

func openAt(fsys fs.FS, name string) (readerAtCloser, int64, error) {
	// Before it is opened: a pipe would be waited for.
	if st, err := fs.Stat(fsys, name); err != nil {
		return nil, 0, err
	} else if !st.Mode().IsRegular() {
		return nil, 0, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	r, ok := f.(readerAtCloser)
	if err == nil && !ok {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.ErrUnsupported}
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return r, st.Size(), nil
}

// Close closes the files of the archive. Files that were opened in it can't be read any more.
func (a *Archive) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for _, c := range a.closer {
		errs = append(errs, c.Close())
	}
	a.closer = nil
	return errors.Join(errs...)
}

// Entries returns what is in the archive, in the order of the tree. The caller must not change it.
func (a *Archive) Entries() []Entry { return a.entries }

// bytes is the size of the archive with those of its other files that were opened so far.
func (a *Archive) bytes() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.size
	for _, p := range a.parts {
		n += p.size
	}
	return n
}

// partName is what the file with an index is called.
func (a *Archive) partName(index uint16) string {
	base := strings.TrimSuffix(a.name, ".vpk")
	if b, ok := strings.CutSuffix(base, "_dir"); ok {
		base = b
	}
	return fmt.Sprintf("%s_%03d.vpk", base, index)
}

// Parts returns the names of the other files that entries have data in, in order of their first use.
func (a *Archive) Parts() []string {
	var names []string
	seen := map[uint16]bool{}
	for i := range a.entries {
		e := &a.entries[i]
		if e.index != inThisFile && e.Size > e.head && !seen[e.index] {
			seen[e.index] = true
			names = append(names, a.partName(e.index))
		}
	}
	return names
}

// part opens the file with an index, once.
func (a *Archive) part(index uint16) (io.ReaderAt, int64, string, error) {
	if index == inThisFile {
		return a.file, a.size, a.name, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.parts[index]
	if p == nil {
		p = &part{name: a.partName(index)}
		a.parts[index] = p
		p.err = &Error{File: p.name, Offset: -1, Err: ErrMissing}
		if a.fsys != nil {
			f, size, err := openAt(a.fsys, p.name)
			switch {
			case err == nil:
				p.r, p.size, p.err = f, size, nil
				a.closer = append(a.closer, f)
			case !errors.Is(err, fs.ErrNotExist):
				p.err = &Error{File: p.name, Offset: -1, Err: errors.Join(ErrMissing, err)}
			}
		}
	}
	return p.r, p.size, p.name, p.err
}

// rest is where the bytes of an entry are that don't stand in the tree.
func (a *Archive) rest(e *Entry) (io.ReaderAt, string, error) {
	length := e.Size - e.head
	if length == 0 {
		return a.file, a.name, nil
	}
	r, size, name, err := a.part(e.index)
	if err != nil {
		var at *Error
		if errors.As(err, &at) {
			copied := *at
			copied.Entry = e.Path
			err = &copied
		}
		return nil, name, err
	}
	if length > size-e.offset {
		return nil, name, &Error{
			File: name, Offset: e.offset, Entry: e.Path, Err: ErrTruncated,
			Text: fmt.Sprintf("%d bytes are said to be there, and the file has %d", length, size),
		}
	}
	return r, name, nil
}

// readAt reads a part of an entry that lies in it.
func (a *Archive) readAt(e *Entry, b []byte, off int64) (int, error) {
	n := 0
	if off < e.head {
		head := b[:min(int64(len(b)), e.head-off)]
		m, err := a.file.ReadAt(head, e.preload+off)
		if n += m; m < len(head) {
			return n, unexpected(err)
		}
		b, off = b[m:], off+int64(m)
	}
	if len(b) == 0 {
		return n, nil
	}
	r, _, err := a.rest(e)
	if err != nil {
		return n, err
	}
	m, err := r.ReadAt(b, e.offset+off-e.head)
	if n += m; m < len(b) {
		return n, unexpected(err)
	}
	return n, nil
}

// unexpected makes what a file says that became shorter meanwhile.
func unexpected(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
