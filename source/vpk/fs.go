package vpk

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

var (
	_ fs.ReadDirFS  = (*Archive)(nil)
	_ fs.StatFS     = (*Archive)(nil)
	_ fs.ReadFileFS = (*Archive)(nil)
)

// tree is the file system view of an archive.
type tree struct {
	files map[string]*Entry
	dirs  map[string][]fs.DirEntry
}

// makeTree includes only names that are valid in an [fs.FS]. If a name is both a file and a directory,
// the file is used; of two files with the same name, the first.
func (a *Archive) makeTree() *tree {
	t := &tree{files: make(map[string]*Entry, len(a.entries)), dirs: map[string][]fs.DirEntry{".": nil}}
	for i := range a.entries {
		e := &a.entries[i]
		if _, twice := t.files[e.Path]; !twice && fs.ValidPath(e.Path) && e.Path != "." {
			t.files[e.Path] = e
		}
	}
	for i := range a.entries {
		e := &a.entries[i]
		if t.files[e.Path] != e || t.belowFile(e.Path) {
			continue
		}
		if _, known := t.dirs[path.Dir(e.Path)]; !known && len(t.dirs) > MaxEntries-strings.Count(e.Path, "/") {
			delete(t.files, e.Path) // limit the memory for deep paths that consist of directories only
			continue
		}
		t.add(path.Dir(e.Path), dirEntry{stat{path.Base(e.Path), e.Size, 0o444, e}})
	}
	for _, list := range t.dirs {
		slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return t
}

// belowFile reports whether a parent directory of name is a file. Known directories were checked
// before.
func (t *tree) belowFile(name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, known := t.dirs[dir]; known {
			return false
		}
		if _, file := t.files[dir]; file {
			return true
		}
	}
	return false
}

func (t *tree) add(dir string, e fs.DirEntry) {
	for {
		list, known := t.dirs[dir]
		t.dirs[dir] = append(list, e)
		if known {
			return
		}
		e = dirEntry{stat{path.Base(dir), 0, fs.ModeDir | 0o555, nil}}
		dir = path.Dir(dir)
	}
}

// Open opens a file or directory. Files also implement io.ReaderAt and io.Seeker.
func (a *Archive) Open(name string) (fs.File, error) {
	st, err := a.find("open", name)
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return &openDir{stat: st, list: a.tree().dirs[name]}, nil
	}
	return &openFile{stat: st, SectionReader: io.NewSectionReader(entryReader{a, st.entry}, 0, st.size)}, nil
}

func (a *Archive) find(op, name string) (stat, error) {
	if !fs.ValidPath(name) {
		return stat{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	t := a.tree()
	if _, ok := t.dirs[name]; ok {
		return stat{path.Base(name), 0, fs.ModeDir | 0o555, nil}, nil
	}
	if e, ok := t.files[name]; ok && !t.belowFile(name) {
		return stat{path.Base(name), e.Size, 0o444, e}, nil
	}
	return stat{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Stat describes a file or directory. Sys returns its Entry.
func (a *Archive) Stat(name string) (fs.FileInfo, error) {
	st, err := a.find("stat", name)
	if err != nil {
		return nil, err
	}
	return st, nil
}

// ReadDir returns the entries of a directory sorted by name.
func (a *Archive) ReadDir(name string) ([]fs.DirEntry, error) {
	st, err := a.find("readdir", name)
	if err == nil && !st.IsDir() {
		err = &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	if err != nil {
		return nil, err
	}
	return slices.Clone(a.tree().dirs[name]), nil
}

// ReadFile reads a whole file into memory. Check its size first: it may be up to 4 GiB.
func (a *Archive) ReadFile(name string) ([]byte, error) {
	st, err := a.find("read", name)
	if err == nil && st.IsDir() {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	if err != nil {
		return nil, err
	}
	// Check before allocating that the file contains this many bytes.
	if _, _, err := a.dataFile(st.entry); err != nil {
		return nil, err
	}
	b := make([]byte, st.size)
	_, err = a.readAt(st.entry, b, 0)
	return b, err
}

// Find returns the first entry with a path, ignoring case: the game uses lower case only.
func (a *Archive) Find(name string) (Entry, bool) {
	for i := range a.entries {
		if strings.EqualFold(a.entries[i].Path, name) {
			return a.entries[i], true
		}
	}
	return Entry{}, false
}

// Reader returns a reader for the content of an entry of this archive.
func (a *Archive) Reader(e Entry) *io.SectionReader {
	return io.NewSectionReader(entryReader{a, &e}, 0, e.Size)
}

// entryReader implements io.ReaderAt for an entry.
type entryReader struct {
	a *Archive
	e *Entry
}

func (r entryReader) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	if off >= r.e.Size {
		return 0, io.EOF
	}
	if left := r.e.Size - off; int64(len(b)) > left {
		n, err := r.a.readAt(r.e, b[:left], off)
		if err == nil {
			err = io.EOF
		}
		return n, err
	}
	return r.a.readAt(r.e, b, off)
}

type stat struct {
	name  string
	size  int64
	mode  fs.FileMode
	entry *Entry
}

func (s stat) Name() string       { return s.name }
func (s stat) Size() int64        { return s.size }
func (s stat) Mode() fs.FileMode  { return s.mode }
func (s stat) ModTime() time.Time { return time.Time{} }
func (s stat) IsDir() bool        { return s.mode.IsDir() }

func (s stat) Sys() any {
	if s.entry == nil {
		return nil
	}
	return *s.entry
}

type dirEntry struct{ stat }

func (d dirEntry) Type() fs.FileMode          { return d.mode.Type() }
func (d dirEntry) Info() (fs.FileInfo, error) { return d.stat, nil }

type openFile struct {
	stat
	*io.SectionReader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.stat, nil }
func (f *openFile) Size() int64                { return f.stat.size }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	stat
	list []fs.DirEntry
	at   int
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.stat, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: errors.New("is a directory")}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	left := d.list[d.at:]
	if n > 0 {
		if len(left) == 0 {
			return nil, io.EOF
		}
		left = left[:min(n, len(left))]
	}
	d.at += len(left)
	return slices.Clone(left), nil
}
