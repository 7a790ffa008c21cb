package instance

import (
	"errors"
	"fmt"
	"io"
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
// done. A note in the instance says meanwhile which name the rest may have, for
// UndoRenames. It reports whether anything was renamed. Errors: left4me.Busy when something
// is mounted, and left4me.Conflict, with nothing changed, when there is something under
// both names.
func (f Files) Rename(old, n left4me.Name) (renamed bool, err error) {
	for _, name := range []left4me.Name{old, n} {
		if !name.Valid() {
			return false, left4me.NewError(left4me.Invalid, "name.not_a_name", "name", name).InField("name")
		}
	}
	for _, place := range places {
		from, to := filepath.Join(string(f.Root), place, string(old)), filepath.Join(string(f.Root), place, string(n))
		if there(from) && there(to) && unix.Rmdir(to) != nil { // an empty directory is nothing
			return false, left4me.NewError(left4me.Conflict, "server.renamed_twice", "path", from, "other", to, "server", n)
		}
		if on, err := mountBeneath(from); err != nil || on != "" {
			return false, errors.Join(err, left4me.NewError(left4me.Busy, "server.mounted", "path", on, "word", left4me.ShellWord(on)))
		}
	}
	if there(f.Root.Instance(old)) {
		if err := f.writeFile(f.Root.renaming(old), []byte(n), 0o640); err != nil {
			return false, err
		}
	}
	for _, place := range places {
		done, err := f.renameIn(place, old, n)
		if err != nil {
			return renamed, errors.Join(err, f.undoRename(old))
		}
		renamed = renamed || done
	}
	return renamed, f.undoRename(n)
}

// renaming is the note in an instance which name the rest of the server gets.
func (r Root) renaming(n left4me.Name) string { return filepath.Join(r.Instance(n), "renaming") }

// UndoRenames brings back what renames that were cut have left under the new names. The job
// that renames begins anew, if there still is one: people may have called it off, and given
// the server a third name since. Nothing may rename meanwhile.
func (f Files) UndoRenames() error {
	names, err := f.Root.Names()
	for _, n := range names {
		err = errors.Join(err, f.undoRename(n))
	}
	return err
}

// undoRename brings back what a rename of n has left under another name, and removes the
// note of one that is done.
func (f Files) undoRename(n left4me.Name) error {
	note := f.Root.renaming(n)
	file, err := os.OpenFile(note, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(file, 1<<10))
	_ = file.Close()
	if err != nil {
		return err
	}
	to, err := left4me.ParseName(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", note, err)
	}
	for _, place := range places {
		dir := filepath.Join(string(f.Root), place)
		// With an instance, it is what another server has.
		if to == n || there(f.Root.Instance(to)) || there(filepath.Join(dir, string(n))) {
			continue
		}
		if _, err := f.renameIn(place, to, n); err != nil {
			return err
		}
	}
	return os.Remove(note)
}

// Owner is the id of the server that what has a name on this host was last started for;
// empty when it never was, or by a left4me that knew no ids.
func (r Root) Owner(n left4me.Name) left4me.ID {
	env, err := r.ReadEnv(n)
	if err != nil {
		return ""
	}
	return env.ID
}

// FormerName is the name under which this host has a server while it isn't spec.Name yet;
// empty when it has none. What is there decides, not what the other side knows: a rename
// whose end nobody was told of may have left the server under a name that it has nowhere
// else. What has spec.OldName is passed over when it is another server's: a job may come
// once more when the next server has that name. Nothing need have the name that it returns,
// if that is spec.OldName.
func (r Root) FormerName(spec left4me.Spec) left4me.Name {
	old := spec.OldName
	if spec.ID == "" {
		return old
	}
	owner := left4me.ID("")
	if old != "" {
		owner = r.Owner(old)
	}
	switch {
	case owner == spec.ID:
		return old
	case r.Owner(spec.Name) == spec.ID: // it is renamed as a whole
		return ""
	}
	names, err := r.Names()
	if err != nil {
		names = nil
	}
	for _, n := range names {
		if r.Owner(n) == spec.ID {
			return n
		}
	}
	if owner != "" {
		return ""
	}
	return old
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
