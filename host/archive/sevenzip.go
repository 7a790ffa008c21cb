package archive

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/bodgit/sevenzip"
)

// reparsePoint marks links in Windows' attributes of a file.
const reparsePoint = 0x400

func (w *walker) sevenZip() error {
	// Its header (7zFormat.txt) stands at the end, and its beginning says where.
	var head [32]byte
	if _, err := w.file.ReadAt(head[:], 0); err != nil {
		return damaged(err)
	}
	offset, size := binary.LittleEndian.Uint64(head[12:]), binary.LittleEndian.Uint64(head[20:])
	if end := offset + size; end < size || end > uint64(w.size)-32 {
		return inParts()
	}
	if size == 0 {
		return nil // an empty one
	}
	z, err := sevenzip.NewReader(w.file, w.size)
	if err != nil {
		return w.failSevenZip(err)
	}
	for _, f := range z.File {
		mode := f.Mode()
		e := entry{Name: []byte(f.Name), UTF8: true, Kind: kindOf(mode), Size: int64(min(f.UncompressedSize, 1<<62))}
		if unixMode := f.Attributes&0x8000 != 0; unixMode {
			e.Exec = mode&0o111 != 0
		} else if f.Attributes&reparsePoint != 0 {
			e.Kind = symlink
		}
		if mode.IsDir() {
			e.Size = 0
		}
		if err := w.sevenZipFile(f, e); err != nil {
			return w.failSevenZip(err)
		}
	}
	return nil
}

func (w *walker) sevenZipFile(f *sevenzip.File, e entry) error {
	if w.list || e.Kind != regular {
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

func (w *walker) failSevenZip(err error) error {
	var read *sevenzip.ReadError
	if errors.As(err, &read) && read.Encrypted {
		return encrypted()
	}
	return w.fail(err)
}
