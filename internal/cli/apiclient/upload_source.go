package apiclient

import (
	"io"
	"os"
	"path/filepath"

	"github.com/left4me/left4me/internal/left4me"
)

// Source is a file to send. Its content can be requested repeatedly, from any offset.
type Source struct {
	Name string
	Size int64
	From func(offset int64) (io.ReadCloser, error)
}

// SourceOf returns the source for an argument. A directory is sent as a tar archive.
func SourceOf(name string) (Source, error) {
	st, err := os.Stat(name)
	if err != nil {
		return Source{}, left4me.NewError(left4me.Invalid, "upload.source_unreadable", "reason", err.Error())
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return Source{}, err
	}
	if st.IsDir() {
		// The argument may be a symbolic link, but the directory must not contain any.
		abs, err = filepath.EvalSymlinks(abs)
		if err != nil {
			return Source{}, err
		}
		s, err := newTarStream(abs)
		if err != nil {
			return Source{}, err
		}
		return Source{
			Name: filepath.Base(abs) + ".tar",
			Size: s.size,
			From: func(offset int64) (io.ReadCloser, error) { return s.from(offset), nil },
		}, nil
	}
	if !st.Mode().IsRegular() {
		return Source{}, left4me.NewError(left4me.Invalid, "upload.source_kind", "path", name)
	}
	return Source{Name: filepath.Base(abs), Size: st.Size(), From: func(offset int64) (io.ReadCloser, error) {
		f, err := os.Open(abs)
		if err != nil {
			return nil, err
		}
		now, err := f.Stat()
		if err == nil && (now.Size() != st.Size() || !now.ModTime().Equal(st.ModTime())) {
			err = left4me.NewError(left4me.Conflict, "upload.source_changed", "path", name)
		}
		if err == nil {
			_, err = f.Seek(offset, io.SeekStart)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}}, nil
}
