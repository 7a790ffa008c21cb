package archive

import (
	"errors"
	"io"

	"github.com/nwaples/rardecode/v2"
)

func (w *walker) rar() error {
	r, err := rardecode.NewReader(io.NewSectionReader(w.file, 0, w.size), rardecode.MaxDictionarySize(maxWindow))
	if err != nil {
		return w.failRar(err)
	}
	var magic [8]byte
	_, _ = w.file.ReadAt(magic[:], 0) // it was recognised by it
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return w.failRar(err)
		}
		if h.Encrypted || h.HeaderEncrypted {
			return encrypted()
		}
		mode := h.Mode()
		// RAR 5 says that names are UTF-8, older ones mean the code page of a machine.
		e := entry{Name: []byte(h.Name), UTF8: magic[6] == 1, Kind: kindOf(mode), Size: h.UnPackedSize, Exec: h.HostOS == rardecode.HostOSUnix && mode&0o111 != 0}
		switch {
		case h.LinkType == rardecode.LinkTypeHardLink || h.LinkType == rardecode.LinkTypeFileCopy:
			e.Kind = hardlink
		case h.LinkType != rardecode.LinkTypeNone:
			e.Kind = symlink
		case h.IsDir:
			e.Kind, e.Size = directory, 0
		case h.UnKnownSize:
			e.Size = -1
		}
		var body io.Reader
		if !w.list && e.Kind == regular {
			body = r
		}
		if err := w.give(e, body); err != nil {
			return w.failRar(err)
		}
	}
}

func (w *walker) failRar(err error) error {
	switch {
	case errors.Is(err, rardecode.ErrArchiveEncrypted), errors.Is(err, rardecode.ErrArchivedFileEncrypted), errors.Is(err, rardecode.ErrBadPassword):
		return encrypted()
	case errors.Is(err, rardecode.ErrMultiVolume), errors.Is(err, rardecode.ErrBadVolumeNumber):
		return inParts()
	}
	return w.fail(err)
}
