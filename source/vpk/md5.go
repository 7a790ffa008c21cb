package vpk

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
)

// md5Entry is the size in bytes of an entry in the section of piece checksums: index, offset, length,
// MD5.
const md5Entry = 28

// md5Job is an MD5 sum to verify.
type md5Job struct {
	what     string
	index    uint16
	from, to int64
	want     [md5.Size]byte
}

// planMD5 reads the MD5 sums of a version 2 archive. Sections may be missing, but must not lie beyond
// the end of the file.
func (v *verifier) planMD5() {
	a := v.a
	at := a.data + a.v2.data
	if end := at + a.v2.archiveMD5 + a.v2.otherMD5 + a.v2.signature; end > a.size {
		v.other(&Error{File: a.name, Offset: a.size, Err: ErrTruncated, Text: fmt.Sprintf("the sections behind the data end at %d", end)})
		return
	}
	section, total := at, int64(0)
	for end := at + a.v2.archiveMD5 - a.v2.archiveMD5%md5Entry; at < end; at += md5Entry {
		var b [md5Entry]byte
		if _, err := a.file.ReadAt(b[:], at); err != nil {
			v.other(&Error{File: a.name, Offset: at, Text: "read", Err: unexpected(err)})
			return
		}
		le := binary.LittleEndian
		if le.Uint16(b[2:]) != 0 {
			continue // another kind of checksum, used by newer games
		}
		j := md5Job{what: "a piece", index: le.Uint16(b[:]), from: int64(le.Uint32(b[4:]))}
		if j.index == inThisFile {
			j.from += a.data
		}
		j.to = j.from + int64(le.Uint32(b[8:]))
		copy(j.want[:], b[12:])
		if total += j.to - j.from; total > growth*a.bytes() {
			v.other(&Error{File: a.name, Offset: at, Text: "the sums of pieces are of more than there is", Err: ErrTooLarge})
			break
		}
		v.md5 = append(v.md5, j)
	}
	at = section + a.v2.archiveMD5
	if a.v2.otherMD5 != md5Size {
		return
	}
	var sums [md5Size]byte
	if _, err := a.file.ReadAt(sums[:], at); err != nil {
		v.other(&Error{File: a.name, Offset: at, Text: "read", Err: unexpected(err)})
		return
	}
	// Start with the longest, because a single worker hashes it from beginning to end.
	v.md5 = append([]md5Job{
		{"the whole file", inThisFile, 0, at + 2*md5.Size, [md5.Size]byte(sums[2*md5.Size:])},
		{"the tree", inThisFile, a.header, a.data, [md5.Size]byte(sums[:])},
		{"the sums of pieces", inThisFile, section, at, [md5.Size]byte(sums[md5.Size:])},
	}, v.md5...)
}

func (v *verifier) other(err *Error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.others) < MaxProblems {
		v.others = append(v.others, Problem{err.Entry, err})
	}
}

func (v *verifier) md5s(next func() int) {
	b := make([]byte, block)
	for i := next(); i < len(v.md5) && v.ctx.Err() == nil; i = next() {
		j := &v.md5[i]
		r, size, name, err := v.a.part(j.index)
		if err != nil {
			v.other(&Error{File: name, Offset: -1, Text: "MD5 of " + j.what, Err: ErrMissing})
			continue
		}
		if j.to > size {
			v.other(&Error{File: name, Offset: j.from, Text: fmt.Sprintf("MD5 of %s up to %d", j.what, j.to), Err: ErrTruncated})
			continue
		}
		sum := md5.New()
		if err := v.hash(sum, io.NewSectionReader(r, j.from, j.to-j.from), b); err != nil {
			v.other(&Error{File: name, Offset: j.from, Text: "read", Err: err})
			continue
		}
		if got := [md5.Size]byte(sum.Sum(nil)); got != j.want && v.ctx.Err() == nil {
			v.other(&Error{
				File:   name,
				Offset: j.from,
				Err:    ErrSum,
				Text:   fmt.Sprintf("MD5 of %s, up to %d, is %x, not %x", j.what, j.to, got, j.want),
			})
		}
	}
}

func (v *verifier) hash(sum hash.Hash, r io.Reader, b []byte) error {
	for v.ctx.Err() == nil {
		n, err := r.Read(b)
		sum.Write(b[:n])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
