package vpk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Limits of the reader.
const (
	MaxEntries = 1 << 20 // entries per archive
	MaxName    = 1 << 10 // bytes, for an extension, a directory or a name
)

const (
	magic   = 0x55aa1234
	respawn = 0x00030002
	headV1  = 12
	headV2  = 28
	fixed   = 18 // bytes of an entry after its name
	usual   = 26 // minimum bytes of an entry with its name
	ending  = 0xffff
	md5Size = 48 // bytes of the three checksums of version 2
)

// sections holds the sizes of the sections after the data in version 2.
type sections struct {
	data, archiveMD5, otherMD5, signature int64 // sizes
}

func (a *Archive) fail(offset int64, err error, format string, args ...any) error {
	return &Error{File: a.name, Offset: offset, Text: fmt.Sprintf(format, args...), Err: err}
}

func (a *Archive) parse() error {
	var h [headV2]byte
	n, err := a.file.ReadAt(h[:min(headV2, a.size)], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return a.fail(0, err, "read")
	}
	u32 := func(i int) int64 { return int64(binary.LittleEndian.Uint32(h[i:])) }
	switch {
	case n < 4 || u32(0) != magic:
		return a.fail(0, ErrFormat, "it doesn't begin as one")
	case n < headV1:
		return a.fail(int64(n), ErrTruncated, "the header")
	}
	switch v := u32(4); v {
	case 1:
		a.Version, a.header = 1, headV1
	case 2:
		if n < headV2 {
			return a.fail(int64(n), ErrTruncated, "the header")
		}
		a.Version, a.header = 2, headV2
		a.v2 = sections{u32(12), u32(16), u32(20), u32(24)}
	case respawn:
		return a.fail(4, ErrVersion, "made for a game of Respawn's")
	default:
		return a.fail(4, ErrVersion, "version %d", v)
	}
	a.Declared = u32(8)
	p := &treeReader{a: a, pos: a.header}
	// Allocate for the usual number of entries in a tree of this size; growing a long list would copy
	// it repeatedly.
	expected := min(a.Declared, a.size, 4<<20)
	a.entries = make([]Entry, 0, expected/usual)
	p.ends, p.paths = make([]int, 0, expected/usual), make([]byte, 0, expected)
	if err := p.read(); err != nil {
		return err
	}
	p.name()
	a.TreeSize = p.pos - a.header
	a.data = a.dataStart(p.pos)
	return a.settle()
}

// settle makes the offsets of data in this file absolute and rejects data beyond the end of the file.
func (a *Archive) settle() error {
	for i := range a.entries {
		e := &a.entries[i]
		length := e.Size - e.head
		if e.index != inThisFile || length == 0 {
			continue
		}
		e.offset += a.data
		if e.offset > a.size || length > a.size-e.offset {
			return &Error{
				File: a.name, Offset: e.place, Entry: e.Path, Err: ErrTruncated,
				Text: fmt.Sprintf("its %d bytes at %d lie behind the end at %d", length, e.offset, a.size),
			}
		}
	}
	return nil
}

// treeReader reads the tree in pieces. The size of the tree is only known at its end, and preloaded
// data, which is skipped, may be most of it.
type treeReader struct {
	a   *Archive
	pos int64 // offset of the next byte
	buf []byte
	at  int // index of pos in buf
	mem []byte

	paths []byte // paths of all entries, concatenated
	ends  []int  // end of each path in paths
}

const window = 256 << 10

// need makes at least n bytes available and returns all buffered bytes.
func (t *treeReader) need(n int) ([]byte, error) {
	if len(t.buf)-t.at >= n {
		return t.buf[t.at:], nil
	}
	if t.mem == nil {
		t.mem = make([]byte, min(window, t.a.size-t.pos))
	}
	size := int(min(int64(len(t.mem)), t.a.size-t.pos))
	if size < n {
		return nil, t.a.fail(t.a.size, ErrTruncated, "the tree doesn't end")
	}
	if got, err := t.a.file.ReadAt(t.mem[:size], t.pos); got < size {
		return nil, t.a.fail(t.pos+int64(got), unexpected(err), "read")
	}
	t.buf, t.at = t.mem[:size], 0
	return t.buf, nil
}

func (t *treeReader) skip(n int64) {
	t.pos += n
	if n > int64(len(t.buf)-t.at) {
		t.buf, t.at = nil, 0
		return
	}
	t.at += int(n)
}

// text reads a name. The bytes are valid until the next call.
func (t *treeReader) text() ([]byte, error) {
	b, err := t.need(1)
	if err != nil {
		return nil, err
	}
	i := bytes.IndexByte(b, 0)
	if i < 0 && len(b) <= MaxName {
		// The name may continue beyond the buffer.
		if b, err = t.need(int(min(MaxName+1, t.a.size-t.pos))); err != nil {
			return nil, err
		}
		i = bytes.IndexByte(b, 0)
	}
	switch {
	case i > MaxName || i < 0 && len(b) > MaxName:
		return nil, t.a.fail(t.pos, ErrTooLarge, "a name of more than %d bytes", MaxName)
	case i < 0:
		return nil, t.a.fail(t.a.size, ErrTruncated, "the tree doesn't end")
	}
	t.skip(int64(i) + 1)
	return b[:i], nil
}

// read reads all entries. An empty string ends a list; a space stands for an empty name.
func (t *treeReader) read() error {
	var ext, dir []byte
	for {
		b, err := t.text()
		if err != nil || len(b) == 0 {
			return err
		}
		ext = append(ext[:0], b...)
		for {
			if b, err = t.text(); err != nil {
				return err
			}
			if len(b) == 0 {
				break
			}
			dir = append(dir[:0], b...)
			for {
				place := t.pos
				if b, err = t.text(); err != nil {
					return err
				}
				if len(b) == 0 {
					break
				}
				from := len(t.paths)
				t.paths = join(t.paths, dir, b, ext)
				if err := t.entry(t.paths[from:], place); err != nil {
					return err
				}
			}
		}
	}
}

func join(path, dir, name, ext []byte) []byte {
	none := func(b []byte) bool { return len(b) == 1 && b[0] == ' ' }
	if !none(dir) {
		path = append(append(path, dir...), '/')
	}
	if !none(name) {
		path = append(path, name...)
	}
	if !none(ext) {
		path = append(append(path, '.'), ext...)
	}
	return path
}

func (t *treeReader) entry(path []byte, place int64) error {
	b, err := t.need(fixed)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	e := Entry{
		CRC: le.Uint32(b), head: int64(le.Uint16(b[4:])), index: le.Uint16(b[6:]), offset: int64(le.Uint32(b[8:])),
		place: place,
	}
	e.Size = e.head + int64(le.Uint32(b[12:]))
	if le.Uint16(b[16:]) != ending {
		return t.a.fail(t.pos+16, ErrFormat, "the entry %.100q has no end", path)
	}
	t.skip(fixed)
	e.preload = t.pos
	if e.head > t.a.size-t.pos {
		return t.a.fail(t.pos, ErrTruncated, "the first bytes of %.100q", path)
	}
	t.skip(e.head)
	if len(t.a.entries) == MaxEntries {
		return t.a.fail(place, ErrTooLarge, "more than %d entries", MaxEntries)
	}
	t.a.entries = append(t.a.entries, e)
	t.ends = append(t.ends, len(t.paths))
	return nil
}

// name sets the paths of the entries. All are parts of one string, so the garbage collector handles one
// object instead of thousands.
func (t *treeReader) name() {
	all, from := string(t.paths), 0
	for i, end := range t.ends {
		t.a.entries[i].Path = all[from:end]
		from = end
	}
}
