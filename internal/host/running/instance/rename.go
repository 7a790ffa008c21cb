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

// Rename changes the name of a server on this host; the server must be neither running nor mounted. An interrupted
// call can be repeated: directories that already have the new name stay, and the instance is renamed
// last, so that the old name is known until the end. Until then, a note in the instance stores the new
// name for UndoRenames. renamed reports whether anything was renamed. Errors: left4me.Busy if a file
// system is mounted; left4me.Conflict, with nothing changed, if there are files under both names.
func (f Files) Rename(old, n left4me.Name) (renamed bool, err error) {
	for _, name := range []left4me.Name{old, n} {
		if !name.Valid() {
			return false, left4me.NewError(left4me.Invalid, "name.not_a_name", "name", name).InField("name")
		}
	}
	for _, place := range places {
		from, to := filepath.Join(string(f.Root), place, string(old)), filepath.Join(string(f.Root), place, string(n))
		if exists(from) && exists(to) && unix.Rmdir(to) != nil { // an empty directory is no conflict
			return false, left4me.NewError(left4me.Conflict, "server.renamed_twice", "path", from, "other", to, "server", n)
		}
		if on, err := mountBeneath(from); err != nil || on != "" {
			return false, errors.Join(err, left4me.NewError(left4me.Busy, "server.mounted", "path", on, "word", left4me.ShellWord(on)))
		}
	}
	if exists(f.Root.Instance(old)) {
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

// renaming is the path of the note that stores the new name during a rename.
func (r Root) renaming(n left4me.Name) string { return filepath.Join(r.Instance(n), "renaming") }

// UndoRenames reverts interrupted renames. If the job that renames still exists, it starts over. It may
// have been cancelled, and the server may have been given a third name since. No rename may be in
// progress.
func (f Files) UndoRenames() error {
	names, err := f.Root.AllNames()
	for _, n := range names {
		err = errors.Join(err, f.undoRename(n))
	}
	return err
}

// undoRename reverts an interrupted rename of n, and removes the note of a completed one.
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
		// If the instance exists, its directories belong to another server.
		if to == n || exists(f.Root.Instance(to)) || exists(filepath.Join(dir, string(n))) {
			continue
		}
		if _, err := f.renameIn(place, to, n); err != nil {
			return err
		}
	}
	return os.Remove(note)
}

// Owner returns the ID of the server that was last started under a name on this host; empty if none was
// started, or only by a left4me that had no IDs.
func (r Root) Owner(n left4me.Name) left4me.ID {
	env, err := r.ReadEnv(n)
	if err != nil {
		return ""
	}
	return env.ID
}

// FormerName returns the name of a server on this host if it hasn't been renamed to spec.Name yet;
// empty if it has no other name. The files decide, not the database: after a rename whose end was never
// reported, the server may have a name that is recorded nowhere else. spec.OldName is skipped if it
// belongs to another server, because a job may be repeated after the next server got that name. If the
// result is spec.OldName, there may be no files under it.
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
	case r.Owner(spec.Name) == spec.ID: // the rename is complete
		return ""
	}
	names, err := r.AllNames()
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

// renameIn renames a server's entry in a directory, if it exists.
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

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
