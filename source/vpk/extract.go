package vpk

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode"
)

// growth is the maximum ratio of the extracted size to the size of the archive. Entries may share data,
// so without a limit a small archive could expand without bound.
const growth = 4

// temporary is the base name of a file while it is being written.
const temporary = ".left4me-extract"

// CheckName returns nil if an entry may be extracted under its name, and otherwise an error that wraps
// ErrName and gives the reason.
func CheckName(name string) error {
	bad := func(why string) error { return &Error{Offset: -1, Entry: name, Text: why, Err: ErrName} }
	switch {
	case strings.Contains(name, `\`):
		return bad("it has a backslash")
	case strings.HasPrefix(name, "/"):
		return bad("it is absolute")
	case len(name) > 1 && name[1] == ':':
		return bad("it names a drive")
	case strings.ContainsFunc(name, unicode.IsControl):
		return bad("it has control characters")
	case path.Base(name) == temporary:
		return bad("it is used here")
	case !fs.ValidPath(name) || name == ".":
		return bad("no file may have it")
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > 255 {
			return bad("a part of it is longer than 255 bytes")
		}
	}
	return nil
}

// CheckNames checks all names of the archive. Each must be valid for a file, no two may differ only in
// case, and none may be a directory of another. CheckNames returns the first problem, which wraps
// ErrName.
func (a *Archive) CheckNames() error {
	seen := make(map[string]*Entry, len(a.entries))
	for i := range a.entries {
		e := &a.entries[i]
		if err := CheckName(e.Path); err != nil {
			return a.named(e, err)
		}
		key := strings.ToLower(e.Path)
		if seen[key] != nil {
			return a.named(e, &Error{Text: fmt.Sprintf("it is that of %.100q too", seen[key].Path), Err: ErrName})
		}
		seen[key] = e
	}
	checked := map[string]bool{".": true}
	for key, e := range seen {
		for dir := path.Dir(key); !checked[dir]; dir = path.Dir(dir) {
			if seen[dir] != nil {
				return a.named(e, &Error{Text: fmt.Sprintf("%.100q is a file", seen[dir].Path), Err: ErrName})
			}
			if len(checked) < MaxEntries {
				checked[dir] = true
			}
		}
	}
	return nil
}

func (a *Archive) named(e *Entry, err error) error {
	var at *Error
	if !errors.As(err, &at) {
		return err
	}
	return &Error{File: a.name, Offset: e.place, Entry: e.Path, Text: at.Text, Err: at.Err}
}

// Extract writes the entries with the given paths, or all entries if paths is empty, to an existing
// directory. A path may name a directory of the archive. Extract checks the whole archive before it
// writes anything, and never writes outside of dir. It replaces existing files. Each file is written
// under a temporary name and renamed once its checksum is verified, so an interrupted Extract leaves no
// partial file under its final name. Extract calls done, which may be nil, for each completed file.
//
// Errors: ErrName, ErrOverlap, ErrTooLarge, ErrSum, and fs.ErrNotExist for a path that the archive does
// not contain.
func (a *Archive) Extract(ctx context.Context, dir *os.Root, paths []string, done func(Entry)) error {
	entries, err := a.choose(paths)
	if err != nil {
		return err
	}
	if err := a.CheckNames(); err != nil {
		return err
	}
	if found := a.Overlaps(); len(found) > 0 {
		return found[0]
	}
	var total int64
	for _, e := range entries {
		if _, _, err := a.dataFile(e); err != nil {
			return err
		}
		total += e.Size
	}
	if err := a.grows(total); err != nil {
		return err
	}
	x := extraction{a: a, ctx: ctx, dir: dir, buf: make([]byte, block), made: map[string]bool{".": true}}
	for _, e := range entries {
		if err := x.file(e); err != nil {
			return err
		}
		if done != nil {
			done(*e)
		}
	}
	return ctx.Err()
}

// grows returns an error if total bytes are too many for the size of the archive.
func (a *Archive) grows(total int64) error {
	if has := a.bytes(); total > growth*has {
		return &Error{File: a.name, Offset: -1, Text: fmt.Sprintf("its %d bytes would become %d", has, total), Err: ErrTooLarge}
	}
	return nil
}

// choose returns the entries with the given paths, in the order of the tree.
func (a *Archive) choose(paths []string) ([]*Entry, error) {
	var chosen []*Entry
	found := map[string]bool{}
	for i := range a.entries {
		e := &a.entries[i]
		take := len(paths) == 0
		for _, p := range paths {
			p = strings.TrimSuffix(p, "/")
			if e.Path == p || strings.HasPrefix(e.Path, p+"/") {
				take, found[p] = true, true
			}
		}
		if take {
			chosen = append(chosen, e)
		}
	}
	for _, p := range paths {
		if p = strings.TrimSuffix(p, "/"); !found[p] {
			return nil, &Error{File: a.name, Offset: -1, Entry: p, Err: fs.ErrNotExist}
		}
	}
	return chosen, nil
}

type extraction struct {
	a    *Archive
	ctx  context.Context
	dir  *os.Root
	buf  []byte
	made map[string]bool
}

func (x *extraction) file(e *Entry) (err error) {
	if parent := path.Dir(e.Path); !x.made[parent] {
		if err := x.dir.MkdirAll(parent, 0o777); err != nil {
			return err
		}
		x.made[parent] = true
	}
	temp := path.Join(path.Dir(e.Path), temporary)
	// Remove the temporary file of an earlier extraction that was killed.
	if err := x.dir.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := x.dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = x.dir.Remove(temp)
		}
	}()
	if err := errors.Join(x.copy(f, e), f.Close()); err != nil {
		return err
	}
	return x.dir.Rename(temp, e.Path)
}

// copy writes an entry and verifies its checksum.
func (x *extraction) copy(w io.Writer, e *Entry) error {
	var sum uint32
	for at := int64(0); at < e.Size; {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		b := x.buf[:min(block, e.Size-at)]
		if _, err := x.a.readAt(e, b, at); err != nil {
			return x.a.readError(e, at, err)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		sum = crc32.Update(sum, crc32.IEEETable, b)
		at += int64(len(b))
	}
	if sum != e.CRC {
		return &Error{
			File:   x.a.name,
			Offset: e.place,
			Entry:  e.Path,
			Err:    ErrSum,
			Text:   fmt.Sprintf("CRC-32 is %08x, the tree says %08x", sum, e.CRC),
		}
	}
	return nil
}
