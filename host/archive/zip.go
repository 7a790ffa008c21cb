package archive

import (
	"archive/zip"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/left4me/left4me"
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

func (w *walker) zip() error {
	var head [4]byte
	if _, err := w.file.ReadAt(head[:], 0); err == nil && string(head[:]) == "PK\x07\x08" {
		return inParts()
	}
	if end, err := zipEnd(w.file); err == nil && string(end[:4]) == "PK\x05\x06" {
		if disk := binary.LittleEndian.Uint16(end[4:]); disk != 0 && disk != 0xffff {
			return inParts()
		}
	}
	z, err := zip.NewReader(w.file, w.size)
	if errors.Is(err, zip.ErrFormat) {
		return inParts()
	}
	if err != nil {
		return w.fail(err)
	}
	z.RegisterDecompressor(12, func(r io.Reader) io.ReadCloser { return io.NopCloser(bzip2.NewReader(r)) })
	z.RegisterDecompressor(93, func(r io.Reader) io.ReadCloser {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow>>2), zstd.WithDecoderLowmem(true))
		if err != nil {
			return failing{err}
		}
		return d.IOReadCloser()
	})
	for _, f := range z.File {
		if err := w.zipFile(f); err != nil {
			return w.fail(err)
		}
	}
	return nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
func (f failing) Close() error             { return nil }

func (w *walker) zipFile(f *zip.File) error {
	if f.Flags&(zipEncrypted|zipStrong|zipMasked) != 0 {
		return encrypted()
	}
	e := entry{Name: []byte(f.Name), UTF8: f.Flags&zipUTF8 != 0, Size: int64(min(f.UncompressedSize64, 1<<62)), Windows: madeOnWindows(f.CreatorVersion)}
	if name, ok := unicodePath(f); ok {
		e.Name, e.UTF8 = []byte(name), true
	}
	mode := f.Mode()
	e.Kind, e.Exec = kindOf(mode), mode&0o111 != 0 && !e.Windows
	// Go takes a name that ends in \ for a file.
	if strings.HasSuffix(f.Name, "/") || e.Windows && strings.HasSuffix(f.Name, `\`) {
		e.Kind, e.Size = directory, 0
	}
	if w.list || e.Kind != regular {
		return w.give(e, nil)
	}
	body, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return &left4me.Error{Kind: left4me.Invalid, Field: "files", Text: fmt.Sprintf("%q is compressed in a way that isn't understood (%d)", shorten(f.Name), f.Method), Hint: "pack it as a plain zip or 7z", Err: err}
	}
	if err != nil {
		return err
	}
	defer body.Close()
	return w.give(e, body)
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
