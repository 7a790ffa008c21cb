package apiclient

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/left4me/left4me/internal/left4me"
)

// block is the block size of tar.
const block = 512

// tarStream is a directory as a tar archive that is generated while it is read. Its size is known
// in advance, and reading may start at any offset, so an interrupted upload can resume.
type tarStream struct {
	files []tarFile
	size  int64
}

// tarFile is one file of a tarStream.
type tarFile struct {
	at   int64 // offset in the stream
	head []byte
	name string // path on disk; empty for directories
	size int64
	info fs.FileInfo
}

// newTarStream lists a directory. Errors: left4me.Invalid names a file that cannot be sent.
func newTarStream(dir string) (*tarStream, error) {
	s := &tarStream{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil || rel == "." {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		h := &tar.Header{Name: filepath.ToSlash(rel), Format: tar.FormatPAX, Mode: 0o644}
		switch {
		case d.IsDir():
			h.Typeflag, h.Mode, h.Name = tar.TypeDir, 0o755, h.Name+"/"
			p = ""
		case info.Mode().IsRegular():
			h.Typeflag, h.Size = tar.TypeReg, info.Size()
			if info.Mode()&0o111 != 0 {
				h.Mode = 0o755
			}
		case info.Mode()&fs.ModeSymlink != 0:
			return left4me.NewError(left4me.Invalid, "upload.source_link", "path", p)
		default:
			return left4me.NewError(left4me.Invalid, "upload.entry_kind", "path", p)
		}
		return s.add(p, info, h)
	})
	s.size += 2 * block // the archive ends with two zero blocks
	return s, err
}

func (s *tarStream) add(name string, info fs.FileInfo, h *tar.Header) error {
	var head bytes.Buffer
	if err := tar.NewWriter(&head).WriteHeader(h); err != nil {
		return fmt.Errorf("%s: %w", h.Name, err)
	}
	s.files = append(s.files, tarFile{at: s.size, head: head.Bytes(), name: name, size: h.Size, info: info})
	s.size += int64(head.Len()) + padded(h.Size)
	return nil
}

func padded(n int64) int64 { return (n + block - 1) / block * block }

// from returns a reader of the stream at an offset. The caller must close it.
func (s *tarStream) from(offset int64) io.ReadCloser {
	return &tarReader{s: s, at: offset, next: len(s.files) - after(s.files, offset)}
}

// after counts the files from the one that contains offset to the last.
func after(files []tarFile, offset int64) int {
	n := 0
	for i := len(files) - 1; i >= 0; i-- {
		n++
		if files[i].at <= offset {
			break
		}
	}
	return n
}

type tarReader struct {
	s    *tarStream
	at   int64
	next int // index of the next file to open
	part io.Reader
	file *os.File
}

func (r *tarReader) Read(b []byte) (int, error) {
	for {
		if r.part == nil {
			if r.at >= r.s.size {
				return 0, io.EOF
			}
			if err := r.open(); err != nil {
				return 0, err
			}
		}
		n, err := r.part.Read(b)
		r.at += int64(n)
		if errors.Is(err, io.EOF) {
			r.part, err = nil, r.Close()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// open opens the next file at the current offset.
func (r *tarReader) open() error {
	if r.next >= len(r.s.files) {
		r.part = io.LimitReader(zeros{}, r.s.size-r.at)
		return nil
	}
	f := r.s.files[r.next]
	r.next++
	skip := r.at - f.at
	parts := []io.Reader{}
	if n := int64(len(f.head)); skip < n {
		parts = append(parts, bytes.NewReader(f.head[skip:]))
		skip = 0
	} else {
		skip -= n
	}
	if f.name != "" && skip < padded(f.size) {
		file, err := os.Open(f.name)
		if err != nil {
			return err
		}
		r.file = file
		st, err := file.Stat()
		if err != nil {
			return err
		}
		if !os.SameFile(st, f.info) || st.Size() != f.size || !st.ModTime().Equal(f.info.ModTime()) {
			return left4me.NewError(left4me.Conflict, "upload.source_changed", "path", f.name)
		}
		if skip < f.size {
			parts = append(parts, &exactly{r: io.NewSectionReader(file, skip, f.size-skip), left: f.size - skip, name: f.name})
		}
		parts = append(parts, io.LimitReader(zeros{}, padded(f.size)-max(f.size, skip)))
	}
	r.part = io.MultiReader(parts...)
	return nil
}

// exactly returns an error if a file became shorter.
type exactly struct {
	r    io.Reader
	left int64
	name string
}

func (e *exactly) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	e.left -= int64(n)
	if errors.Is(err, io.EOF) && e.left > 0 {
		err = left4me.NewError(left4me.Conflict, "upload.source_changed", "path", e.name)
	}
	return n, err
}

// Close closes the current file.
func (r *tarReader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
