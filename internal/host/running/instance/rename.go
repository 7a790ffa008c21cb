package instance

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/left4me"
)

// Rename gives everything that a server has on this host another name; nothing of it may
// run or be mounted. It may be cut at any moment and repeated: what has the new name
// already stays, and the instance goes last, so that the old name is known until all is
// done. It reports whether anything was renamed. Errors: left4me.Busy when something is
// mounted, and left4me.Conflict, with nothing changed, when there is something under both
// names.
func (f Files) Rename(old, n left4me.Name) (renamed bool, err error) {
	for _, name := range []left4me.Name{old, n} {
		if !name.Valid() {
			return false, left4me.NewError(left4me.Invalid, "name.not_a_name", "name", name).InField("name")
		}
	}
	for _, place := range places {
		from, to := filepath.Join(string(f.Root), place, string(old)), filepath.Join(string(f.Root), place, string(n))
		if there(from) && there(to) && os.Remove(to) != nil { // an empty directory is nothing
			return false, left4me.NewError(left4me.Conflict, "server.renamed_twice", "path", from, "other", to, "server", n)
		}
		if on, err := mountBeneath(from); err != nil || on != "" {
			return false, errors.Join(err, left4me.NewError(left4me.Busy, "server.mounted", "path", on, "word", left4me.ShellWord(on)))
		}
	}
	for _, place := range places {
		done, err := f.renameIn(place, old, n)
		if err != nil {
			return renamed, err
		}
		renamed = renamed || done
	}
	return renamed, nil
}

// renameIn renames what a server has in one place, if it has anything there.
func (f Files) renameIn(place string, old, n left4me.Name) (renamed bool, err error) {
	dir, err := gameuser.OpenDir(string(f.Root), place)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer dir.Close()
	err = unix.Renameat(int(dir.Fd()), string(old), int(dir.Fd()), string(n))
	switch {
	case errors.Is(err, unix.ENOENT):
		return false, nil
	case err != nil:
		return false, &os.LinkError{
			Op: "rename", Old: filepath.Join(string(f.Root), place, string(old)),
			New: filepath.Join(string(f.Root), place, string(n)), Err: err,
		}
	}
	return true, durable.SyncDir(filepath.Join(string(f.Root), place))
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
