package archive

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Format is an archive format.
type Format string

// Supported formats.
const (
	None     Format = ""
	Zip      Format = "zip"
	SevenZip Format = "7z"
	Rar      Format = "rar"
	Tar      Format = "tar"
	TarGz    Format = "tar.gz"
	TarBz2   Format = "tar.bz2"
	TarXz    Format = "tar.xz"
	TarZst   Format = "tar.zst"
)

// maxWindow is the largest dictionary or window of a decoder, in bytes.
const maxWindow = 1 << 30

var magics = []struct {
	magic  string
	format Format
}{
	{"PK\x03\x04", Zip},
	{"PK\x05\x06", Zip}, // an empty zip
	{"PK\x07\x08", Zip}, // the first part of a split zip
	{"7z\xbc\xaf\x27\x1c", SevenZip},
	{"Rar!\x1a\x07", Rar},
	{"\x1f\x8b", TarGz},
	{"BZh", TarBz2},
	{"\xfd7zXZ\x00", TarXz},
	{"\x28\xb5\x2f\xfd", TarZst},
}

// Recognise detects the format of a file by its content, and returns None if it is not an archive.
// A compressed file that is not a tar, such as maps/x.bsp.bz2 for players' downloads, is not an
// archive.
func Recognise(f *os.File) (Format, error) {
	st, err := f.Stat()
	if err != nil {
		return None, err
	}
	return recognise(f, st.Size())
}

func recognise(f io.ReaderAt, size int64) (Format, error) {
	head := make([]byte, 512)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return None, err
	}
	head = head[:n]
	for _, m := range magics {
		if !bytes.HasPrefix(head, []byte(m.magic)) {
			continue
		}
		if m.format == Zip || m.format == SevenZip || m.format == Rar {
			return m.format, nil
		}
		if compressedTar(f, m.format) {
			return m.format, nil
		}
		return None, nil
	}
	if isTar(head) {
		return Tar, nil
	}
	// Self-extracting programs and the last part of a split zip can only be recognised by their
	// end.
	if end, err := zipEnd(f, size); err == nil && string(end[:4]) == "PK\x05\x06" {
		return Zip, nil
	}
	return None, nil
}

// zipEnd returns the end of central directory record of a zip without a comment (APPNOTE.TXT,
// 4.3.16).
func zipEnd(f io.ReaderAt, size int64) (end [22]byte, err error) {
	if size < int64(len(end)) {
		return end, io.ErrUnexpectedEOF
	}
	_, err = f.ReadAt(end[:], size-int64(len(end)))
	return end, err
}

func compressedTar(f io.ReaderAt, format Format) (yes bool) {
	defer func() { // see walk
		if recover() != nil {
			yes = false
		}
	}()
	r, done, err := decompress(io.NewSectionReader(f, 0, 1<<62), format)
	if err != nil {
		return true // reading the archive reports the error
	}
	defer done()
	head, n := make([]byte, 512), 0
	for n < len(head) && err == nil {
		var more int
		more, err = r.Read(head[n:])
		n += more
	}
	return isTar(head[:n]) || n < len(head) && !errors.Is(err, io.EOF)
}

// isTar reports whether a block is the header of a tar entry.
func isTar(head []byte) bool {
	if len(head) < 512 {
		return false
	}
	if bytes.Equal(head[257:262], []byte("ustar")) {
		return true
	}
	h, err := tar.NewReader(bytes.NewReader(head)).Next() // v7 headers have no magic but a checksum
	return err == nil && h.Name != ""
}

// decompress returns the uncompressed content of a tar and a function that closes the decoder.
func decompress(r io.Reader, format Format) (io.Reader, func(), error) {
	switch format {
	case TarGz:
		z, err := gzip.NewReader(r)
		return z, func() {}, err
	case TarBz2:
		return bzip2.NewReader(r), func() {}, nil
	case TarXz:
		z, err := xz.NewReader(r)
		return z, func() {}, err
	case TarZst:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow>>2), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	case Tar, Zip, SevenZip, Rar, None:
	}
	return r, func() {}, nil
}
