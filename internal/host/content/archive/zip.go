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

// Flags and extra fields of zips (APPNOTE.TXT, 4.4.4 and 4.6.9).
const (
	zipEncrypted     = 1 << 0
	zipStrong        = 1 << 6
	zipMasked        = 1 << 13
	zipUTF8          = 1 << 11
	unicodePathExtra = 0x7075
)

// madeOnWindows reports whether the system that created an entry (APPNOTE.TXT, 4.4.2.2) uses \ as
// separator.
func madeOnWindows(creator uint16) bool {
	switch creator >> 8 {
	case 0, 10, 11, 14: // FAT, NTFS (10 or, in some packers, 11), VFAT
		return true
	}
	return false
}

// unsupportedZipMethods lists methods (APPNOTE.TXT, 4.4.5) that our decoders don't support, and whether 7-Zip
// does.
var unsupportedZipMethods = map[uint16]unsupportedMethod{
	1: {"Shrink", true}, 2: {"Reduce", false}, 3: {"Reduce", false}, 4: {"Reduce", false}, 5: {"Reduce", false}, 6: {"Implode", true},
	9: {"Deflate64", true}, 10: {"PKWARE's DCL Implode", false}, 16: {"IBM's CMPSC", false}, 18: {"IBM's TERSE", false},
	19: {"IBM's LZ77", false},
	94: {"MP3", false}, 96: {"JPEG", false}, 97: {"WavPack", false}, 98: {"PPMd", true},
}

// zipDecoders contains our decoders by method.
var zipDecoders = map[uint16]zip.Decompressor{
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

// inflaters is a pool of idle decompressors. Allocating a window and tables for each would dominate
// the time for small files.
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

// inflated returns its inflater to the pool when it is closed.
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

// zipLZMA decodes method 14 (APPNOTE.TXT, 5.8): a version, the length of the properties, and the
// .lzma header without the size, followed by the stream, which may end with an end marker.
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
		in = &window{r: in} // buffers many small, sequential reads
	}
	z, err := zip.NewReader(in, size)
	if errors.Is(err, zip.ErrFormat) {
		return inParts()
	}
	if err != nil {
		return w.fail(err)
	}
	for method, d := range zipDecoders {
		z.RegisterDecompressor(method, d)
	}
	tool := ""
	for _, f := range z.File {
		other, ok := unsupportedZipMethods[f.Method]
		if _, known := zipDecoders[f.Method]; !ok && !known && f.Method != zip.Store && f.Flags&zipEncrypted == 0 {
			other = unsupportedMethod{name: fmt.Sprintf("method %d", f.Method)}
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

// window is a reader with read-ahead. It is not safe for concurrent use.
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
	// archive/zip treats a name that ends in \ as a file. Before decoding, a final \ may be the
	// second byte of a character.
	if strings.HasSuffix(f.Name, "/") || e.Windows && strings.HasSuffix(f.Name, `\`) && utf8.Valid(e.Name) {
		e.Kind, e.Size = directory, 0
	}
	return e, nil
}

// plain reports whether the beginning of a text needs no encoding repair. It returns false for
// damaged entries; reading them later reports the damage.
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

// unknownMethod returns the error for a compression method that nothing available supports.
func unknownMethod(name, method string) error {
	return left4me.NewError(left4me.Invalid, "archive.method_unknown", "path", shorten(name), "method", method).InField("files")
}

// kindOf returns the type of an entry with the given mode.
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

// unicodePath returns the name in Info-ZIP's Unicode Path extra field, if the field's checksum
// matches the entry's name.
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
