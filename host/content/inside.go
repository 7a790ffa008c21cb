package content

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/bus"
	"github.com/left4me/left4me/source/vpk"
)

// inside answers with a file that is in a VPK. The data of one in several files
// isn't found here: only f is open.
func inside(a bus.FileAnswer, f *os.File, name string) (bus.FileAnswer, error) {
	st, err := f.Stat()
	if err != nil {
		return a, err
	}
	archive, err := vpk.New(f, st.Size(), filepath.Base(f.Name()))
	if err != nil {
		return a, &left4me.Error{Kind: left4me.Invalid, Field: "path", Text: "it is not a VPK that can be read", Hint: "download the whole file", Err: err}
	}
	e, ok := archive.Find(name)
	if !ok {
		return a, &left4me.Error{Kind: left4me.NotFound, Field: "inside", Text: fmt.Sprintf("there is no %.200q in it", name)}
	}
	a.Size, a.Hash, a.Data, a.Disk = e.Size, "", nil, ""
	if e.Size > bus.MaxFile {
		return a, nil
	}
	data := make([]byte, e.Size)
	if n, err := archive.Reader(e).ReadAt(data, 0); int64(n) < e.Size {
		if errors.Is(err, vpk.ErrMissing) {
			return a, &left4me.Error{Kind: left4me.Invalid, Field: "inside", Text: "it is in another part of the archive", Hint: "download the whole files", Err: err}
		}
		return a, err
	}
	sum := sha256.Sum256(data)
	a.Data, a.Hash = data, hex.EncodeToString(sum[:])
	return a, nil
}
