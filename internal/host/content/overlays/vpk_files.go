package overlays

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/vpk"
)

// vpkOf returns the VPK that dir refers to or is inside of.
func vpkOf(m Manifest, dir string) (string, bool) {
	for i := range len(dir) + 1 {
		if i < len(dir) && dir[i] != '/' || !strings.EqualFold(path.Ext(dir[:i]), ".vpk") {
			continue
		}
		if e, ok := m.Get(dir[:i]); ok && !e.Dir && !e.Odd {
			return dir[:i], true
		}
	}
	return "", false
}

// listVPK lists the content of a VPK as a directory. It returns left4me.Invalid if the VPK is
// unreadable.
func (s *Repository) listVPK(n left4me.Name, number int, file string) (Manifest, error) {
	f, err := s.open(n, number, file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	archive, err := vpk.New(f, st.Size(), filepath.Base(file))
	if err != nil {
		return nil, left4me.NewError(left4me.Invalid, "vpk.unreadable").InField("dir").Because(err)
	}
	var m Manifest
	for _, e := range archive.Entries() {
		if fs.ValidPath(e.Path) && e.Path != "." {
			m = append(m, Entry{Path: file + "/" + e.Path, Size: e.Size, Hash: unknown})
		}
	}
	m.sort()
	return slices.CompactFunc(m, func(a, b Entry) bool { return a.Path == b.Path }), nil
}

// Inside fills in a with a file in the VPK f. It returns left4me.Invalid if the data is in another
// part of a multi-part VPK, because only f is open.
func Inside(a left4me.FileAnswer, f *os.File, name string) (left4me.FileAnswer, error) {
	st, err := f.Stat()
	if err != nil {
		return a, err
	}
	archive, err := vpk.New(f, st.Size(), filepath.Base(f.Name()))
	if err != nil {
		return a, left4me.NewError(left4me.Invalid, "vpk.unreadable").InField("path").Because(err)
	}
	e, ok := archive.Find(name)
	if !ok {
		return a, left4me.NewError(left4me.NotFound, "vpk.file_unknown", "path", name).InField("inside")
	}
	a.Size, a.Hash, a.Data, a.Disk = e.Size, "", nil, ""
	if e.Size > left4me.MaxFile {
		return a, nil
	}
	data := make([]byte, e.Size)
	if n, err := archive.Reader(e).ReadAt(data, 0); int64(n) < e.Size {
		if errors.Is(err, vpk.ErrMissing) {
			return a, left4me.NewError(left4me.Invalid, "vpk.other_part").InField("inside").Because(err)
		}
		return a, err
	}
	sum := sha256.Sum256(data)
	a.Data, a.Hash = data, hex.EncodeToString(sum[:])
	return a, nil
}
