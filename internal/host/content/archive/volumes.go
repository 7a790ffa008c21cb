package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/left4me/left4me/internal/left4me"
)

// maxParts is the maximum number of parts of an archive, each of which is an open file.
const maxParts = 500

// Names of the parts of an archive. Pieces of a cut file (7-Zip's volumes, split(1)) form the
// archive when concatenated. Volumes of WinRAR and of split zips have headers of their own.
var (
	cutName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(.+\.(?:7z|zip|rar|tar|tgz|tbz2?|txz|tzst|gz|bz2|xz|zst))\.(\d{3,4})$`)
	})
	rarName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(.+)\.part(\d{1,5})\.rar$`)
	})
	oldRarName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(.+)\.([r-y])(\d{2})$`)
	})
	zipName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(.+)\.z(\d{2,3})$`)
	})
)

// groups contains the multi-part archives among files, by index of item.
type groups struct {
	rest  map[int][]int // from the first part to the others, in order
	of    map[int]int   // from another part to the first
	wrong map[int]error // from the first part to the reason why the group is unreadable
}

func (g groups) behind(i int) []int { return g.rest[i] }
func (g groups) part(i int) bool    { _, ok := g.of[i]; return ok }
func (g groups) first(i int) int    { return g.of[i] }

type part struct{ number, item int }

// mayBePart reports whether a name ends in a digit or r, as the names of all parts do. It is a
// cheap test before the regular expressions.
func mayBePart(name string) bool {
	last := name[len(name)-1:]
	return last >= "0" && last <= "9" || strings.EqualFold(last, "r")
}

// grouped finds multi-part archives by the names of their parts.
func grouped(items []item) groups {
	byName := map[string]int{}
	for i, it := range items {
		if !it.dir {
			byName[strings.ToLower(it.path)] = i
		}
	}
	found := map[string][]part{}
	add := func(name, number string, item, more int) {
		n, err := strconv.Atoi(number)
		if err == nil {
			found[name] = append(found[name], part{n + more, item})
		}
	}
	for i, it := range items {
		if it.dir || !mayBePart(it.path) {
			continue
		}
		low := strings.ToLower(it.path)
		if m := cutName().FindStringSubmatch(low); m != nil {
			add(m[1], m[2], i, 0)
		} else if m := rarName().FindStringSubmatch(low); m != nil {
			add(m[1]+".partN.rar", m[2], i, 0)
		} else if m := oldRarName().FindStringSubmatch(low); m != nil {
			add(m[1]+".rar", m[3], i, 2+100*int(m[2][0]-'r'))
		} else if m := zipName().FindStringSubmatch(low); m != nil {
			add(m[1]+".zip", m[2], i, 0)
		}
	}
	g := groups{rest: map[int][]int{}, of: map[int]int{}, wrong: map[int]error{}}
	for name, parts := range found {
		if whole, ok := byName[name]; ok { // the first volume of a RAR or the last part of a zip
			number := 1
			if strings.HasSuffix(name, ".zip") {
				number = len(parts) + 1
			}
			parts = append(parts, part{number, whole})
		} else if zipName().MatchString(strings.ToLower(items[parts[0].item].path)) {
			parts = append(parts, part{math.MaxInt, -1})
		}
		g.add(items, name, parts)
	}
	return g
}

// add adds one archive after checking that its parts are complete.
func (g groups) add(items []item, name string, parts []part) {
	sort.Slice(parts, func(i, j int) bool { return parts[i].number < parts[j].number })
	name = shorten(path.Base(name))
	var err error
	for n, p := range parts {
		switch {
		case err != nil:
		case p.item < 0:
			err = left4me.NewError(left4me.Invalid, "archive.last_part_missing", "archive", name).InField("files")
		case n > 0 && p.number == parts[n-1].number:
			err = left4me.NewError(left4me.Invalid, "archive.part_twice", "part", p.number, "archive", name).InField("files")
		case p.number != n+1:
			err = left4me.NewError(left4me.Invalid, "archive.part_missing", "part", n+1, "archive", name).InField("files")
		}
	}
	if err == nil && len(parts) > maxParts {
		err = left4me.NewError(left4me.Invalid, "archive.too_many_parts", "archive", name, "limit", maxParts).InField("files")
	}
	parts = slices.DeleteFunc(parts, func(p part) bool { return p.item < 0 })
	first := parts[0].item
	if err != nil {
		g.wrong[first] = err
	}
	for _, p := range parts[1:] {
		g.rest[first] = append(g.rest[first], p.item)
		g.of[p.item] = first
	}
}

// joined returns the concatenated parts and their total size.
func joined(parts []*os.File) (io.ReaderAt, int64, error) {
	var all chain
	size := int64(0)
	for _, p := range parts {
		st, err := p.Stat()
		if err != nil {
			return nil, 0, err
		}
		all = append(all, link{p, size, st.Size()})
		size += st.Size()
	}
	if len(all) == 1 {
		return parts[0], size, nil
	}
	return all, size, nil
}

// chain is a concatenation of readers.
type chain []link

type link struct {
	r        io.ReaderAt
	at, size int64
}

func (c chain) ReadAt(b []byte, off int64) (n int, err error) {
	i := sort.Search(len(c), func(i int) bool { return off < c[i].at+c[i].size })
	for ; i < len(c) && n < len(b); i++ {
		from := off + int64(n) - c[i].at
		want := min(int64(len(b)-n), c[i].size-from)
		m, err := c[i].r.ReadAt(b[n:n+int(want)], from)
		if n += m; int64(m) < want {
			return n, errors.Join(err, io.ErrUnexpectedEOF)
		}
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Sizes of zip records (APPNOTE.TXT, 4.3.12 and 4.3.16).
const (
	zipEndLen   = 22
	zipEntryLen = 46
	zipLongest  = 64 << 20 // limit of a central directory that is rewritten
)

// unsplit returns a zip as a single file. In a split zip, offsets count from the start of each part
// (APPNOTE.TXT, 8.5), so the central directory is rewritten. It returns left4me.Invalid if parts
// are missing.
func (w *walker) unsplit() (io.ReaderAt, int64, error) {
	end, err := zipEnd(w.in, w.size)
	last := binary.LittleEndian.Uint16(end[4:])
	split := err == nil && string(end[:4]) == "PK\x05\x06" && last != 0 && last != 0xffff
	if !split {
		var head [4]byte
		if _, err := w.in.ReadAt(head[:], 0); err == nil && string(head[:]) == "PK\x07\x08" {
			return nil, 0, inParts()
		}
		return w.in, w.size, nil
	}
	if int(last) != len(w.parts)-1 {
		return nil, 0, inParts()
	}
	if w.size > math.MaxUint32 {
		return nil, 0, left4me.NewError(left4me.Invalid, "archive.zip64_parts").InField("files")
	}
	starts := make([]int64, len(w.parts))
	for i, p := range w.parts[:last] {
		st, err := p.Stat()
		if err != nil {
			return nil, 0, err
		}
		starts[i+1] = starts[i] + st.Size()
	}
	disk := int(binary.LittleEndian.Uint16(end[6:]))
	size, at := int64(binary.LittleEndian.Uint32(end[12:])), int64(binary.LittleEndian.Uint32(end[16:]))
	if disk >= len(starts) || size > zipLongest || starts[disk]+at+size > w.size {
		return nil, 0, inParts()
	}
	directory := make([]byte, size, size+zipEndLen)
	if _, err := w.in.ReadAt(directory, starts[disk]+at); err != nil {
		return nil, 0, w.fail(err)
	}
	for e := directory; len(e) >= zipEntryLen; {
		on := int(binary.LittleEndian.Uint16(e[34:]))
		long := zipEntryLen + int(binary.LittleEndian.Uint16(e[28:])) + int(binary.LittleEndian.Uint16(e[30:])) +
			int(binary.LittleEndian.Uint16(e[32:]))
		if on >= len(starts) || long > len(e) {
			return nil, 0, damaged(errors.New("a split zip names a part that isn't there"))
		}
		binary.LittleEndian.PutUint16(e[34:], 0)
		binary.LittleEndian.PutUint32(e[42:], uint32(starts[on])+binary.LittleEndian.Uint32(e[42:]))
		e = e[long:]
	}
	count := end[10:12]
	copy(end[8:10], count)
	binary.LittleEndian.PutUint32(end[4:], 0)
	binary.LittleEndian.PutUint32(end[16:], uint32(w.size))
	directory = append(directory, end[:]...)
	tail := int64(len(directory))
	return chain{{w.in, 0, w.size}, {bytes.NewReader(directory), w.size, tail}}, w.size + tail, nil
}
