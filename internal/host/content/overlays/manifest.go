package overlays

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Entry is a file or an empty directory of a revision.
type Entry struct {
	Path string
	Dir  bool
	Odd  bool // not allowed in a layer; only in revisions installed by hand
	Exec bool
	Size int64
	Hash [sha256.Size]byte
}

// Manifest contains all entries of a revision, sorted by path.
type Manifest []Entry

// Get returns the entry at a path.
func (m Manifest) Get(path string) (Entry, bool) {
	i, ok := m.find(path)
	if !ok {
		return Entry{}, false
	}
	return m[i], true
}

func (m Manifest) find(path string) (int, bool) {
	return slices.BinarySearchFunc(m, path, func(e Entry, p string) int { return strings.Compare(e.Path, p) })
}

// Beneath returns the entries in a directory and its subdirectories; "" is the root.
func (m Manifest) Beneath(dir string) Manifest {
	if dir == "" {
		return m
	}
	from, _ := m.find(dir + "/")
	to, _ := m.find(dir + "0") // '0' is '/'+1
	return m[from:to]
}

func (m Manifest) sort() {
	slices.SortFunc(m, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
}

// size returns the number of files and their total size.
func (m Manifest) size() (files int, bytes int64) {
	for _, e := range m {
		if !e.Dir && !e.Odd {
			files++
			bytes += e.Size
		}
	}
	return files, bytes
}

// pair contains the entries of two manifests at the same path; one of them may be nil.
type pair struct{ from, to *Entry }

// each calls f for each difference between two manifests, by path, until f returns false.
func each(from, to Manifest, f func(pair) bool) {
	for i, k := 0, 0; i < len(from) || k < len(to); {
		var p pair
		order := 0
		switch {
		case i == len(from):
			order = 1
		case k == len(to):
			order = -1
		default:
			order = strings.Compare(from[i].Path, to[k].Path)
		}
		if order <= 0 {
			p.from = &from[i]
			i++
		}
		if order >= 0 {
			p.to = &to[k]
			k++
		}
		if p.from != nil && p.to != nil && *p.from == *p.to {
			continue
		}
		if !f(p) {
			return
		}
	}
}

// A manifest on disk is either complete or a delta to a complete one. Deltas keep revisions small
// in which only some of many files changed:
//
//	"l4mfiles1\n"
//	uvarint: number of the base revision, or 0
//	uvarint: number of entries
//	entries: uvarint length of the prefix shared with the previous path, uvarint
//	         length and bytes of the rest, a byte of flags; for files uvarint size
//	         and SHA-256
//	SHA-256 of everything above
const (
	manifestMagic = "l4mfiles1\n"
	maxManifest   = 512 << 20

	flagExec    = 1
	flagDir     = 2
	flagRemoved = 4 // in the base revision only
	flagOdd     = 8
)

// errManifest is wrapped by errors about damaged manifests.
var errManifest = errors.New("damaged manifest")

// appendManifest appends the encoding of m as a delta to base, the complete manifest of revision
// number. With number 0 it encodes all of m.
func appendManifest(dst []byte, number int, base, m Manifest) []byte {
	begin := len(dst)
	dst = append(dst, manifestMagic...)
	dst = binary.AppendUvarint(dst, uint64(number))
	type line struct {
		e       *Entry
		removed bool
	}
	lines := make([]line, 0, 64)
	each(base, m, func(p pair) bool {
		if p.to == nil {
			lines = append(lines, line{p.from, true})
		} else {
			lines = append(lines, line{p.to, false})
		}
		return true
	})
	dst = binary.AppendUvarint(dst, uint64(len(lines)))
	before := ""
	for _, l := range lines {
		n := shared(before, l.e.Path)
		before = l.e.Path
		dst = binary.AppendUvarint(dst, uint64(n))
		dst = binary.AppendUvarint(dst, uint64(len(before)-n))
		dst = append(dst, before[n:]...)
		switch {
		case l.removed:
			dst = append(dst, flagRemoved)
		case l.e.Dir:
			dst = append(dst, flagDir)
		case l.e.Odd:
			dst = append(dst, flagOdd)
		default:
			flags := byte(0)
			if l.e.Exec {
				flags = flagExec
			}
			dst = append(dst, flags)
			dst = binary.AppendUvarint(dst, uint64(l.e.Size))
			dst = append(dst, l.e.Hash[:]...)
		}
	}
	sum := sha256.Sum256(dst[begin:])
	return append(dst, sum[:]...)
}

func shared(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// parsed is a decoded manifest file.
type parsed struct {
	base    int // base revision; 0 if complete
	entries []Entry
	removed []bool // for each entry, whether flagRemoved is set
}

// parseManifest decodes what appendManifest encoded. The only error is errManifest.
func parseManifest(data []byte) (parsed, error) {
	var p parsed
	if len(data) < len(manifestMagic)+sha256.Size || string(data[:len(manifestMagic)]) != manifestMagic {
		return p, fmt.Errorf("%w: it is none", errManifest)
	}
	body := data[:len(data)-sha256.Size]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], data[len(body):]) {
		return p, fmt.Errorf("%w: its sum is wrong", errManifest)
	}
	r := reader{rest: body[len(manifestMagic):]}
	p.base = r.number(1 << 31)
	count := r.number(maxEntries * 2)
	p.entries = make([]Entry, 0, min(count, len(r.rest)/4))
	before := ""
	for range count {
		if r.bad {
			break
		}
		n := r.number(len(before))
		path := before[:n] + string(r.bytes(r.number(maxPath)))
		flags := r.bytes(1)
		// Without the limit, paths that extend their predecessors could expand to far more memory
		// than the encoded size.
		if r.bad || path <= before || len(path) > maxPath {
			r.bad = true
			break
		}
		e := Entry{Path: path}
		removed := flags[0] == flagRemoved
		switch flags[0] {
		case flagRemoved:
		case flagDir:
			e.Dir = true
		case flagOdd:
			e.Odd = true
		case 0, flagExec:
			e.Exec = flags[0] == flagExec
			e.Size = int64(r.number(1 << 53))
			copy(e.Hash[:], r.bytes(sha256.Size))
		default:
			r.bad = true
		}
		if removed && p.base == 0 {
			r.bad = true
		}
		p.entries, p.removed = append(p.entries, e), append(p.removed, removed)
		before = path
	}
	if r.bad || len(r.rest) > 0 {
		return parsed{}, fmt.Errorf("%w: entry %d", errManifest, len(p.entries))
	}
	return p, nil
}

// over applies a delta to its base.
func (p parsed) over(base Manifest) Manifest {
	out := make(Manifest, 0, len(base)+len(p.entries))
	i := 0
	for k, e := range p.entries {
		for i < len(base) && base[i].Path < e.Path {
			out = append(out, base[i])
			i++
		}
		if i < len(base) && base[i].Path == e.Path {
			i++
		}
		if !p.removed[k] {
			out = append(out, e)
		}
	}
	return append(out, base[i:]...)
}

// reader decodes numbers and bytes; bad is set if data is missing or out of range.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) number(most int) int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > uint64(most) {
		r.bad = true
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.bad = true
		return make([]byte, min(n, maxPath))
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}
