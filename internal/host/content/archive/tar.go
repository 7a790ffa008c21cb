package archive

import (
	"archive/tar"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

func (w *walker) tar(format Format) error {
	r, done, err := decompress(io.NewSectionReader(w.in, 0, w.size), format)
	if err != nil {
		return w.fail(err)
	}
	defer done()
	in := &tarInput{r: r, left: w.limits.maxUnpacked(w.size)}
	t := tar.NewReader(in)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return w.fail(err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader { // git archive stores the commit in one
			continue
		}
		_, pax := h.PAXRecords["path"]
		e := entry{Name: []byte(h.Name), UTF8: pax && utf8.ValidString(h.Name), Size: h.Size, Kind: special}
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeGNUSparse:
			e.Kind, e.Exec = regular, h.Mode&0o111 != 0
			if h.Mode&0o6000 != 0 {
				e.Kind = setid
			}
		case tar.TypeDir: // setgid on a directory is harmless
			e.Kind, e.Size = directory, 0
		case tar.TypeSymlink:
			e.Kind = symlink
		case tar.TypeLink:
			e.Kind = hardlink
		}
		var body io.Reader
		if w.opens(e.Kind) {
			body = t
		}
		if err := w.give(e, body); err != nil {
			return w.fail(err)
		}
	}
	if !in.zeros {
		return damaged(io.ErrUnexpectedEOF) // the final block of zeros is missing
	}
	// Read the rest of the stream: the checksum of the compressed data is at its end.
	if _, err := io.Copy(io.Discard, in); err != nil {
		return w.fail(err)
	}
	return nil
}

// tarInput reads at most left bytes of a tar and records whether the last read returned only zeros,
// which end a tar.
type tarInput struct {
	r     io.Reader
	left  int64
	zeros bool
}

func (t *tarInput) Read(b []byte) (int, error) {
	n, err := t.r.Read(b)
	if n > 0 {
		t.zeros = true
		for _, c := range b[:n] {
			if c != 0 {
				t.zeros = false
				break
			}
		}
	}
	if t.left -= int64(n); t.left < 0 {
		return n, bombError()
	}
	return n, err
}

// maxUnpacked returns the number of bytes that an archive of the given size may unpack to.
func (l Limits) maxUnpacked(size int64) int64 {
	if size > l.Bytes/l.Ratio {
		return l.Bytes
	}
	return max(l.Small, size*l.Ratio)
}

func bombError() error {
	return left4me.NewError(left4me.Invalid, "archive.bomb").InField("files")
}

func (l Limits) tooLarge(name string, size int64) error {
	if size > l.File {
		return left4me.NewError(left4me.Invalid, "archive.entry_too_large", "path", shorten(name), "gigabytes", size/1e9, "limit",
			l.File/1e9).InField("files")
	}
	return nil
}
