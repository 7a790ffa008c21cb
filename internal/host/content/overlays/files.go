package overlays

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// Tree returns a page of the files in a revision. Errors: left4me.NotFound, left4me.Invalid.
func (s *Repository) Tree(ctx context.Context, r left4me.TreeRequest) (left4me.Page[left4me.TreeFile], error) {
	var page left4me.Page[left4me.TreeFile]
	_, v, err := s.records.find(r.Overlay, r.Revision)
	if err != nil {
		return page, err
	}
	limit, err := limitOf(r.Limit)
	if err != nil {
		return page, err
	}
	dir := strings.Trim(r.Dir, "/")
	if dir != "" {
		if err := CheckPath(dir); err != nil {
			return page, err
		}
	}
	m, err := readManifest(s.layout.overlay(r.Overlay), v.Number)
	if err != nil { // list the names without hashing, which could take minutes
		if m, err = s.manifests.scan(ctx, filepath.Join(s.layout.overlay(r.Overlay), strconv.Itoa(v.Number)), false); err != nil {
			return page, err
		}
		for i := range m {
			m[i].Hash = unknown
		}
	}
	f := r.Filter
	f.Dir = dir
	if file, ok := vpkOf(m, dir); ok {
		if m, err = s.listVPK(r.Overlay, v.Number, file); err != nil {
			return page, err
		}
	}
	return paged(filtered(m, f), f.After, limit, func(f left4me.TreeFile) string { return f.Path }), nil
}

// unknown is the hash of an entry that has not been hashed.
var unknown [32]byte

func (e Entry) show() left4me.TreeFile {
	f := left4me.TreeFile{Path: e.Path, Dir: e.Dir, Size: e.Size, Exec: e.Exec}
	if !e.Dir && e.Hash != unknown {
		f.Hash = fmt.Sprintf("%x", e.Hash)
	}
	return f
}

// filtered returns the entries that match a filter, sorted by path. The size of a directory is the
// total size of all files in it.
func filtered(m Manifest, f left4me.Filter) []left4me.TreeFile {
	m = m.Beneath(f.Dir)
	query := Fold(f.Query)
	deep := f.Deep || query != ""
	var out []left4me.TreeFile
	for _, e := range m {
		rest := e.Path
		if f.Dir != "" {
			rest = rest[len(f.Dir)+1:]
		}
		switch name, _, below := strings.Cut(rest, "/"); {
		case query != "" && !strings.Contains(Fold(e.Path), query), deep && e.Dir:
		case deep || !below:
			out = append(out, e.show())
		default:
			dir := path.Join(f.Dir, name)
			if len(out) == 0 || out[len(out)-1].Path != dir {
				i, ok := slices.BinarySearchFunc(out, dir, func(t left4me.TreeFile, p string) int { return strings.Compare(t.Path, p) })
				if !ok { // a-b sorts between a and a/b
					out = slices.Insert(out, i, left4me.TreeFile{Path: dir, Dir: true})
				}
				out[i].Size += e.Size
				continue
			}
			out[len(out)-1].Size += e.Size
		}
	}
	return out
}

func limitOf(n int) (int, error) {
	switch {
	case n == 0:
		return 200, nil
	case n < 0 || n > 1000:
		return 0, left4me.NewError(left4me.Invalid, "file.lines_out_of_range", "lines", n).InField("limit")
	}
	return n, nil
}

// paged returns one page of a sorted list.
func paged[T any](all []T, after string, limit int, path func(T) string) left4me.Page[T] {
	from, ok := slices.BinarySearchFunc(all, after, func(v T, p string) int { return strings.Compare(path(v), p) })
	if ok && after != "" {
		from++
	}
	to := min(from+limit, len(all))
	p := left4me.Page[T]{Items: append([]T{}, all[from:to]...), Total: len(all)}
	if to < len(all) {
		p.Next = path(all[to-1])
	}
	return p
}

// File returns a file of a revision, with its content if it has at most left4me.MaxFile bytes.
// Errors: left4me.NotFound, left4me.Invalid.
func (s *Repository) File(r left4me.FileRequest) (left4me.FileAnswer, error) {
	var a left4me.FileAnswer
	if err := CheckPath(r.Path); err != nil {
		return a, err
	}
	_, v, err := s.records.find(r.Overlay, r.Revision)
	if err != nil {
		return a, err
	}
	none := left4me.NewError(left4me.NotFound, "revision.no_such_file", "revision", v.Number, "overlay", r.Overlay, "path",
		r.Path).InField("path")
	if m, err := readManifest(s.layout.overlay(r.Overlay), v.Number); err == nil {
		e, ok := m.Get(r.Path)
		if !ok || e.Dir || e.Odd {
			return a, none
		}
		a.Hash = e.show().Hash
	}
	f, err := s.open(r.Overlay, v.Number, r.Path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errOdd) {
		return a, none
	}
	if err != nil {
		return a, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return a, err
	}
	a.Revision, a.Size = v.Number, st.Size()
	a.Disk = path.Join("overlays", string(r.Overlay), strconv.Itoa(v.Number), r.Path)
	if r.Inside != "" {
		return Inside(a, f, r.Inside)
	}
	if a.Size <= left4me.MaxFile {
		a.Data, err = io.ReadAll(io.LimitReader(f, left4me.MaxFile))
	}
	return a, err
}

// open opens a regular file of a revision without following links.
func (s *Repository) open(n left4me.Name, number int, p string) (*os.File, error) {
	d, err := os.Open(filepath.Join(s.layout.overlay(n), strconv.Itoa(number)))
	if err != nil {
		return nil, err
	}
	for part := range strings.SplitSeq(p, "/") {
		next, st, err := openEntry(d, part)
		d.Close()
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%w: %w", errOdd, err)
			}
			return nil, err
		}
		_ = st
		d = next
	}
	if st, err := d.Stat(); err != nil || !st.Mode().IsRegular() {
		d.Close()
		return nil, errors.Join(err, errOdd)
	}
	return d, nil
}
