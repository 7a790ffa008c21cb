package archive

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/left4me/left4me/internal/gametext"
	"github.com/left4me/left4me/internal/host/content/place"
	"github.com/left4me/left4me/internal/left4me"
)

// Flags and extra fields of zip files (APPNOTE.TXT, 4.4.4 and 4.6.9).
const (
	zipEncrypted     = 1 << 0
	zipStrong        = 1 << 6
	zipMasked        = 1 << 13
	zipUTF8          = 1 << 11
	unicodePathExtra = 0x7075
)

// madeOn are the systems (APPNOTE.TXT, 4.4.2.2) where \ is a separator.
func madeOnWindows(creator uint16) bool {
	switch creator >> 8 {
	case 0, 10, 11, 14: // FAT, NTFS, MVS as some packers count, VFAT
		return true
	}
	return false
}

// zipMethods are the methods (APPNOTE.TXT, 4.4.5) that aren't undone here. 7zz
// undoes those that are marked so.
var zipMethods = map[uint16]otherMethod{
	1: {"Shrink", true}, 2: {"Reduce", false}, 3: {"Reduce", false}, 4: {"Reduce", false}, 5: {"Reduce", false}, 6: {"Implode", true},
	9: {"Deflate64", true}, 10: {"PKWARE's DCL Implode", false}, 16: {"IBM's CMPSC", false}, 18: {"IBM's TERSE", false},
	19: {"IBM's LZ77", false},
	94: {"MP3", false}, 96: {"JPEG", false}, 97: {"WavPack", false}, 98: {"PPMd", true},
}

// undone are the methods that are undone here.
var undone = map[uint16]zip.Decompressor{
	zip.Deflate: inflate,
	12:          func(r io.Reader) io.ReadCloser { return io.NopCloser(bzip2.NewReader(r)) },
	14:          zipLZMA,
	93: func(r io.Reader) io.ReadCloser {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow>>2), zstd.WithDecoderLowmem(true))
		if err != nil {
			return failing{err}
		}
		return d.IOReadCloser()
	},
	95: func(r io.Reader) io.ReadCloser {
		d, err := xz.NewReader(r)
		if err != nil {
			return failing{err}
		}
		return io.NopCloser(d)
	},
}

// inflaters are those that nobody uses: each has a window and tables, which small
// files would spend most of their time on.
var inflaters = sync.Pool{New: func() any {
	in := bufio.NewReader(nil)
	return &inflater{in, flate.NewReader(in)}
}}

type inflater struct {
	in *bufio.Reader
	io.ReadCloser
}

func inflate(r io.Reader) io.ReadCloser {
	d := inflaters.Get().(*inflater)
	d.in.Reset(r)
	if err := d.ReadCloser.(flate.Resetter).Reset(d.in, nil); err != nil {
		return failing{err}
	}
	return &inflated{d}
}

// inflated gives its inflater back when it is closed.
type inflated struct{ d *inflater }

func (i *inflated) Read(b []byte) (int, error) {
	if i.d == nil {
		return 0, fs.ErrClosed
	}
	return i.d.Read(b)
}

func (i *inflated) Close() error {
	if i.d == nil {
		return nil
	}
	err := i.d.Close()
	i.d.in.Reset(nil)
	inflaters.Put(i.d)
	i.d = nil
	return err
}

// zipLZMA undoes method 14 (APPNOTE.TXT, 5.8): a version, the length of the
// properties, and what the format .lzma has in front of its size; then the stream,
// which its own mark may end.
func zipLZMA(r io.Reader) io.ReadCloser {
	var head [9]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return failing{err}
	}
	if binary.LittleEndian.Uint16(head[2:]) != 5 {
		return failing{errors.New("lzma: odd properties")}
	}
	unsized := append(head[4:9:9], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	d, err := lzma.NewReader(io.MultiReader(bytes.NewReader(unsized), r))
	if err != nil {
		return failing{err}
	}
	return io.NopCloser(d)
}

func (w *walker) zip() error {
	in, size, err := w.unsplit()
	if err != nil {
		return err
	}
	if w.plan || w.heads != nil {
		in = &window{r: in} // many small reads, one behind the other
	}
	z, err := zip.NewReader(in, size)
	if errors.Is(err, zip.ErrFormat) {
		return inParts()
	}
	if err != nil {
		return w.fail(err)
	}
	for method, d := range undone {
		z.RegisterDecompressor(method, d)
	}
	tool := ""
	for _, f := range z.File {
		other, ok := zipMethods[f.Method]
		if _, known := undone[f.Method]; !ok && !known && f.Method != zip.Store && f.Flags&zipEncrypted == 0 {
			other = otherMethod{name: fmt.Sprintf("method %d", f.Method)}
		}
		if other.tool {
			tool = other.name
		} else if other.name != "" {
			return unknownMethod(f.Name, other.name)
		}
	}
	var all []packed
	for _, f := range z.File {
		e, err := zipEntry(f)
		if err != nil {
			return w.fail(err)
		}
		if e.Tool = tool; tool != "" && !w.list {
			all = append(all, packed{entry: e, sum: f.CRC32, summed: true})
			continue
		}
		if w.plan && tool == "" {
			e.Plain = w.plain(f, e)
		}
		if err := w.zipFile(f, e); err != nil {
			return w.fail(err)
		}
	}
	if len(all) > 0 {
		return w.byTool(Zip, all)
	}
	return nil
}

// window reads more than it is asked for, and answers from that as long as it can.
// One goroutine uses it at a time.
type window struct {
	r   io.ReaderAt
	buf []byte
	off int64
	has int
}

const windowBytes = 32 << 10

func (w *window) ReadAt(b []byte, off int64) (int, error) {
	if len(b) >= windowBytes || off < 0 {
		return w.r.ReadAt(b, off)
	}
	if off < w.off || off+int64(len(b)) > w.off+int64(w.has) {
		if w.buf == nil {
			w.buf = make([]byte, windowBytes)
		}
		n, err := w.r.ReadAt(w.buf, off)
		w.off, w.has = off, n
		if n < len(b) {
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return copy(b, w.buf[:n]), err
		}
	}
	return copy(b, w.buf[off-w.off:w.has]), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
func (f failing) Close() error             { return nil }

func zipEntry(f *zip.File) (entry, error) {
	if f.Flags&(zipEncrypted|zipStrong|zipMasked) != 0 {
		return entry{}, encrypted()
	}
	e := entry{
		Name:    []byte(f.Name),
		UTF8:    f.Flags&zipUTF8 != 0,
		Size:    int64(min(f.UncompressedSize64, 1<<62)),
		Sum:     f.CRC32,
		Windows: madeOnWindows(f.CreatorVersion),
	}
	if name, ok := unicodePath(f); ok {
		e.Name, e.UTF8 = []byte(name), true
	}
	mode := f.Mode()
	e.Kind, e.Exec = kindOf(mode), mode&0o111 != 0 && !e.Windows
	// Go takes a name that ends in \ for a file. What isn't decoded yet may end in a
	// character with such a byte.
	if strings.HasSuffix(f.Name, "/") || e.Windows && strings.HasSuffix(f.Name, `\`) && utf8.Valid(e.Name) {
		e.Kind, e.Size = directory, 0
	}
	return e, nil
}

// plain reports whether a text begins as one that no repair of its encoding
// changes. What is damaged is not: who reads it says so.
func (w *walker) plain(f *zip.File, e entry) bool {
	if e.Kind != regular || e.Size > gametext.MaxText || w.texts >= maxTexts || w.ctx.Err() != nil {
		return false
	}
	if !slices.Contains([]string{".cfg", ".ini", ".vdf", ".res", ".nut", ".txt"}, strings.ToLower(path.Ext(f.Name))) {
		return false
	}
	w.texts++
	body, err := f.Open()
	if err != nil {
		return false
	}
	defer body.Close()
	if w.head == nil {
		w.head = make([]byte, place.HeadBytes)
	}
	n, err := io.ReadFull(body, w.head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	_, repaired := gametext.Begins(gametext.Settings, w.head[:n])
	return !repaired
}

func (w *walker) zipFile(f *zip.File, e entry) error {
	if !w.opens(e.Kind) {
		return w.give(e, nil)
	}
	body, err := f.Open()
	if err != nil {
		return err
	}
	defer body.Close()
	return w.give(e, body)
}

// unknownMethod says that something is packed in a way that can't be undone.
func unknownMethod(name, method string) error {
	return left4me.NewError(left4me.Invalid, "archive.method_unknown", "path", shorten(name), "method", method).InField("files")
}

// kindOf says what an entry is by its mode.
func kindOf(m fs.FileMode) kind {
	switch {
	case m&fs.ModeSymlink != 0:
		return symlink
	case m.IsDir():
		return directory
	case m&(fs.ModeType&^fs.ModeDir) != 0:
		return special
	case m&(fs.ModeSetuid|fs.ModeSetgid) != 0:
		return setid
	}
	return regular
}

// unicodePath is the name in Info-ZIP's Unicode Path extra field, if it is for
// the name that stands there.
func unicodePath(f *zip.File) (string, bool) {
	for x := f.Extra; len(x) >= 4; {
		id, n := binary.LittleEndian.Uint16(x), int(binary.LittleEndian.Uint16(x[2:]))
		if x = x[4:]; n > len(x) {
			return "", false
		}
		field := x[:n]
		if x = x[n:]; id != unicodePathExtra || n < 6 || field[0] != 1 {
			continue
		}
		return string(field[5:]), binary.LittleEndian.Uint32(field[1:]) == crc32.ChecksumIEEE([]byte(f.Name))
	}
	return "", false
}
