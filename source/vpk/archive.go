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

// inThisFile is the archive index of data that follows the tree in the same file.
const inThisFile = 0x7fff

// Entry is a file in an archive.
type Entry struct {
	Path string // as stored in the tree, with slashes; not checked
	Size int64  // size in bytes, including the preloaded bytes in the tree
	CRC  uint32 // CRC-32 (IEEE) of the whole content

	place   int64 // offset of the entry in the tree
	preload int64 // offset of the preloaded bytes, whose number is head
	head    int64
	index   uint16 // index of the file that contains the other bytes
	offset  int64  // absolute offset in that file
}

// Archive is an open archive. Its methods are safe for concurrent use. As an [fs.FS] its files are
// read-only with mode 0444 and have no times. Reading does not verify checksums; [Archive.Verify] does.
// Names are those of the tree; if two entries have the same name, the first is used.
type Archive struct {
	Version  int
	TreeSize int64 // in bytes
	// Declared is the size of the tree in the header, in bytes. The tree also ends with its own end
	// mark, which this package uses, while the game looks for the data after the declared size. If the
	// two differ, checksums decide where the data is; see Misled.
	Declared int64

	name    string // base name
	file    io.ReaderAt
	size    int64
	header  int64
	entries []Entry
	data    int64 // offset at which the data in this file begins
	v2      sections

	fsys   fs.FS // contains the other files
	mu     sync.Mutex
	parts  map[uint16]*part
	closer []io.Closer

	tree func() *tree
}

// part is one of the other files of an archive.
type part struct {
	name string
	r    io.ReaderAt
	size int64
	err  error
}

// Open opens an archive on disk. If the archive consists of several files, name is the one that ends in
// _dir.vpk. Errors are of the type *Error or concern the file itself.
func Open(name string) (*Archive, error) {
	return OpenFS(os.DirFS(filepath.Dir(name)), filepath.Base(name))
}

// OpenFS opens an archive in a file system whose files implement io.ReaderAt, as those of os.DirFS and
// os.Root do.
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

// New reads an archive of size bytes. name is its base name, used in errors and to derive the names of
// the other files. The other files are not available, so their entries cannot be opened.
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
	// Check before opening: opening a named pipe would block.
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

// Close closes the files of the archive. Files opened from the archive become unreadable.
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

// Entries returns the entries of the archive in the order of the tree. The caller must not modify the
// slice.
func (a *Archive) Entries() []Entry { return a.entries }

// bytes returns the size of the archive including those of its other files that have been opened.
func (a *Archive) bytes() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.size
	for _, p := range a.parts {
		n += p.size
	}
	return n
}

// partName returns the name of the file with an index.
func (a *Archive) partName(index uint16) string {
	base := strings.TrimSuffix(a.name, ".vpk")
	if b, ok := strings.CutSuffix(base, "_dir"); ok {
		base = b
	}
	return fmt.Sprintf("%s_%03d.vpk", base, index)
}

// Parts returns the names of the other files that contain data of entries, in order of first use.
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

// part opens the file with an index, at most once.
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

// dataFile returns the file that contains the bytes of an entry outside of the tree.
func (a *Archive) dataFile(e *Entry) (io.ReaderAt, string, error) {
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

// readAt reads part of an entry. The range must lie within the entry.
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
	r, _, err := a.dataFile(e)
	if err != nil {
		return n, err
	}
	m, err := r.ReadAt(b, e.offset+off-e.head)
	if n += m; m < len(b) {
		return n, unexpected(err)
	}
	return n, nil
}

// unexpected converts the error of a read from a file that has become shorter.
func unexpected(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
