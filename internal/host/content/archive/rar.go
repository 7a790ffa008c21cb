package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/nwaples/rardecode/v2"
)

func (w *walker) rar() error {
	var magic [8]byte
	_, _ = w.in.ReadAt(magic[:], 0) // recognise has already read these bytes
	r, done, err := w.rarReader()
	if err != nil {
		return w.failRar(err)
	}
	defer done()
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return w.failRar(err)
		}
		if h.Encrypted || h.HeaderEncrypted {
			return encrypted()
		}
		mode := h.Mode()
		// Names are UTF-8 in RAR 5. Older versions use the code page of the packing machine.
		e := entry{
			Name:    []byte(h.Name),
			UTF8:    magic[6] == 1,
			Slashed: magic[6] == 0,
			Kind:    kindOf(mode),
			Size:    h.UnPackedSize,
			Exec:    h.HostOS == rardecode.HostOSUnix && mode&0o111 != 0,
		}
		switch {
		case h.LinkType == rardecode.LinkTypeHardLink || h.LinkType == rardecode.LinkTypeFileCopy:
			e.Kind = hardlink
		case h.LinkType != rardecode.LinkTypeNone:
			e.Kind = symlink
		case h.IsDir:
			e.Kind, e.Size = directory, 0
		case h.UnKnownSize:
			e.Size = -1
		}
		var body io.Reader
		if w.opens(e.Kind) {
			body = r
		}
		if err := w.give(e, body); err != nil {
			return w.failRar(err)
		}
	}
}

// rarReader opens an archive in one file, in pieces of one file, or in volumes.
func (w *walker) rarReader() (*rardecode.Reader, func(), error) {
	size := rardecode.MaxDictionarySize(maxWindow)
	if len(w.parts) == 1 || !isRar(w.parts[1]) { // a single file, whole or cut into pieces
		r, err := rardecode.NewReader(io.NewSectionReader(w.in, 0, w.size), size)
		return r, func() {}, err
	}
	v := volumes(w.parts)
	r, err := rardecode.OpenReader(v.first(), size, rardecode.FileSystem(v))
	if err != nil {
		return nil, nil, err
	}
	return &r.Reader, func() { r.Close() }, nil
}

func isRar(f io.ReaderAt) bool {
	var magic [6]byte
	n, _ := f.ReadAt(magic[:], 0) // a shorter file can't match
	return string(magic[:n]) == "Rar!\x1a\x07"
}

// volumes is a file system of the parts of a RAR under the names that the library asks for. The
// names of the uploaded files may be arbitrary.
type volumes []*os.File

func (v volumes) first() string { return "v.part00001.rar" }

// Open opens a volume for one reader. It returns fs.ErrNotExist after the last volume.
func (v volumes) Open(name string) (fs.File, error) {
	n := 0
	var letter byte
	switch {
	case name == v.first():
		n = 1
	case scans(name, "v.part%05d.rar", &n):
	case scans(name, "v.part00001.%c%02d", &letter, &n): // .r00 is the second volume
		n += 2 + 100*int(letter-'r')
	}
	if n < 1 || n > len(v) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	st, err := v[n-1].Stat()
	if err != nil {
		return nil, err
	}
	return volume{io.NewSectionReader(v[n-1], 0, st.Size()), st}, nil
}

func scans(s, format string, into ...any) bool {
	n, err := fmt.Sscanf(s, format, into...)
	return err == nil && n == len(into)
}

type volume struct {
	*io.SectionReader
	info fs.FileInfo
}

func (v volume) Stat() (fs.FileInfo, error) { return v.info, nil }
func (v volume) Close() error               { return nil } // the parts stay open for further passes

func (w *walker) failRar(err error) error {
	switch {
	case errors.Is(err, rardecode.ErrArchiveEncrypted), errors.Is(err, rardecode.ErrArchivedFileEncrypted),
		errors.Is(err, rardecode.ErrBadPassword):
		return encrypted()
	case errors.Is(err, rardecode.ErrMultiVolume), errors.Is(err, rardecode.ErrBadVolumeNumber), errors.Is(err, fs.ErrNotExist):
		return inParts()
	}
	return w.fail(err)
}
