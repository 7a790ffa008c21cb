package instance

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// maxDiscard limits the size of the list in bytes.
const maxDiscard = 1 << 20

func (r Root) discard(n left4me.Name) string { return filepath.Join(r.Instance(n), "discard.json") }

// WriteDiscard writes a list of files for `left4me empty`, which then discards only these instead of
// the whole writable layer. That command runs as the owner of the files and takes only a name as
// argument. remove deletes the list.
func (f Files) WriteDiscard(n left4me.Name, paths []string) (remove func(), err error) {
	b, err := json.Marshal(paths)
	if err != nil {
		return nil, err
	}
	if len(b) > maxDiscard {
		return nil, left4me.NewError(left4me.Invalid, "file.too_many", "count", len(paths))
	}
	if err := f.writeFile(f.Root.discard(n), b, 0o640); err != nil {
		return nil, err
	}
	return func() { _ = f.Root.DropDiscard(n) }, nil
}

// ReadDiscard reads the list. ok is false if there is none.
func (r Root) ReadDiscard(n left4me.Name) (paths []string, ok bool, err error) {
	file, err := os.OpenFile(r.discard(n), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxDiscard))
	if err == nil {
		err = json.Unmarshal(b, &paths)
	}
	return paths, true, err
}

// DropDiscard deletes the list.
func (r Root) DropDiscard(n left4me.Name) error {
	err := os.Remove(r.discard(n))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
