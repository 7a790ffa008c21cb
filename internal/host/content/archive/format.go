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

// Format is a format of archives.
type Format string

// The formats.
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

// maxWindow is what a decoder may look back.
const maxWindow = 1 << 30

var magics = []struct {
	magic  string
	format Format
}{
	{"PK\x03\x04", Zip},
	{"PK\x05\x06", Zip}, // an empty one
	{"PK\x07\x08", Zip}, // a part of one
	{"7z\xbc\xaf\x27\x1c", SevenZip},
	{"Rar!\x1a\x07", Rar},
	{"\x1f\x8b", TarGz},
	{"BZh", TarBz2},
	{"\xfd7zXZ\x00", TarXz},
	{"\x28\xb5\x2f\xfd", TarZst},
}

// Recognise says which format a file has by how it begins; None is no archive.
// What is compressed but no tar inside, such as maps/x.bsp.bz2 for downloads of
// players, is none.
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
	// A program that unpacks itself, or the last part of several, only ends as a zip.
	if end, err := zipEnd(f, size); err == nil && string(end[:4]) == "PK\x05\x06" {
		return Zip, nil
	}
	return None, nil
}

// zipEnd is the end of a zip (APPNOTE.TXT, 4.3.16), when it has no comment.
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
		return true // as long as nothing else is known; who reads it will say it
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

// isTar checks whether a block is a header of a tar.
func isTar(head []byte) bool {
	if len(head) < 512 {
		return false
	}
	if bytes.Equal(head[257:262], []byte("ustar")) {
		return true
	}
	h, err := tar.NewReader(bytes.NewReader(head)).Next() // a very old one has no magic but a sum
	return err == nil && h.Name != ""
}

// decompress reads what is in a compressed tar.
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
