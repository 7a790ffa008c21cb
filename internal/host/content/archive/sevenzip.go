package archive

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"sync"

	"github.com/bodgit/sevenzip"

	"github.com/left4me/left4me/internal/left4me"
)

// reparsePoint is the Windows file attribute of links (FILE_ATTRIBUTE_REPARSE_POINT).
const reparsePoint = 0x400

// unsupported7zMethods lists methods and filters (7-Zip's DOC/Methods.txt) that the library doesn't
// support. tool marks those that 7-Zip supports.
var unsupported7zMethods = []struct {
	id   string
	name string
	tool bool
}{
	{"\x04\x01\x09", "Deflate64", true},
	{"\x03\x03\x04\x01", "the filter IA64", true},
	{"\x03\x03\x07\x01", "the filter ARMT", true},
	{"\x0b", "the filter RISCV", true},
	{"\x02\x03\x02", "the filter SWAP2", true},
	{"\x02\x03\x04", "the filter SWAP4", true},
	{"\x04\xf7\x11\x05", "LZ5", false},
	{"\x04\xf7\x11\x06", "Lizard", false},
}

// unsupportedMethod is a method that our decoders don't support. tool is set if 7-Zip does.
type unsupportedMethod struct {
	name string
	tool bool
}

func (o unsupportedMethod) Error() string { return o.name }

// registerUnsupported registers decompressors that fail with the name of the unsupported method.
var registerUnsupported = sync.OnceFunc(func() {
	for _, m := range unsupported7zMethods {
		sevenzip.RegisterDecompressor([]byte(m.id), func([]byte, uint64, []io.ReadCloser) (io.ReadCloser, error) {
			return nil, unsupportedMethod{m.name, m.tool}
		})
	}
})

// maxProbed is the number of streams of a 7z that are probed for unsupported methods.
const maxProbed = 32

func (w *walker) sevenZip() error {
	registerUnsupported()
	// The signature header at the beginning contains the position of the header at the end
	// (7zFormat.txt).
	var head [32]byte
	if _, err := w.in.ReadAt(head[:], 0); err != nil {
		return damaged(err)
	}
	offset, size := binary.LittleEndian.Uint64(head[12:]), binary.LittleEndian.Uint64(head[20:])
	if end := offset + size; end < size || end > uint64(w.size)-32 {
		return inParts()
	}
	if size == 0 {
		return nil // an empty archive
	}
	z, err := sevenzip.NewReader(w.in, w.size)
	if err != nil {
		return w.failSevenZip("", err)
	}
	tool, err := w.probeStreams(z)
	if err != nil {
		return err
	}
	var all []packed
	for _, f := range z.File {
		mode := f.Mode()
		e := entry{
			Name: []byte(f.Name),
			UTF8: true,
			Kind: kindOf(mode),
			Size: int64(min(f.UncompressedSize, 1<<62)),
			Sum:  f.CRC32,
			Tool: tool,
		}
		if unixMode := f.Attributes&0x8000 != 0; unixMode {
			e.Exec = mode&0o111 != 0
		} else if f.Attributes&reparsePoint != 0 {
			e.Kind = symlink
		}
		if mode.IsDir() {
			e.Size = 0
		}
		if tool != "" && !w.list {
			all = append(all, packed{entry: e, sum: f.CRC32, summed: f.CRC32 != 0})
			continue
		}
		if err := w.sevenZipFile(f, e); err != nil {
			return w.failSevenZip(f.Name, err)
		}
	}
	if len(all) > 0 {
		return w.byTool(SevenZip, all)
	}
	return nil
}

// probeStreams opens the first streams and returns the first method that only 7-Zip supports, or
// "". 7-Zip then reads the whole archive.
func (w *walker) probeStreams(z *sevenzip.Reader) (string, error) {
	tried := map[int]bool{}
	for _, f := range z.File {
		if tried[f.Stream] || f.UncompressedSize == 0 || len(tried) == maxProbed {
			continue
		}
		tried[f.Stream] = true
		body, err := f.Open()
		if err == nil {
			body.Close()
			continue
		}
		var other unsupportedMethod
		if errors.As(err, &other) && other.tool {
			return other.name, nil
		}
		return "", w.failSevenZip(f.Name, err)
	}
	return "", nil
}

func (w *walker) sevenZipFile(f *sevenzip.File, e entry) error {
	if !w.opens(e.Kind) {
		return w.give(e, nil)
	}
	body, err := f.Open()
	if err != nil {
		return err
	}
	defer body.Close()
	sum := crc32.NewIEEE()
	r := &summed{r: io.TeeReader(io.LimitReader(body, e.Size), sum)}
	if err := w.give(e, r); err != nil {
		return err
	}
	if r.n == e.Size && e.Size > 0 && f.CRC32 != 0 && f.CRC32 != sum.Sum32() {
		return errors.New("a sum is wrong")
	}
	return nil
}

type summed struct {
	r io.Reader
	n int64
}

func (s *summed) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.n += int64(n)
	return n, err
}

func (w *walker) failSevenZip(name string, err error) error {
	var read *sevenzip.ReadError
	var other unsupportedMethod
	switch {
	case errors.As(err, &other):
		return unknownMethod(name, other.name)
	case errors.As(err, &read) && read.Encrypted:
		return encrypted()
	case err != nil && strings.HasSuffix(err.Error(), "unsupported compression algorithm"): // the library exports no error value
		return left4me.NewError(left4me.Invalid, "archive.method_not_named", "path", shorten(name)).InField("files")
	}
	return w.fail(err)
}
