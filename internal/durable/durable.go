// Package durable writes files that must survive a power cut. At any moment, a file has either its
// complete old content or its complete new content, and content reported as written is never lost.
//
// github.com/google/renameio/v2 guarantees only the first property: it does not sync the directory,
// so a successful rename may be undone, and it does not let callers choose the name of the
// temporary file, by which files left by a killed process are found and removed.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Temp is the pattern, as for os.CreateTemp, of the temporary files that WriteFile creates next to
// the file. A killed process may leave one.
const Temp = ".new-*"

// WriteFile replaces the content of the file name, or creates the file, with the permission bits of
// mode. Each function of more may modify the temporary file before the rename, for example its
// owner. After an error the file is unchanged, unless only the sync of the directory failed.
func WriteFile(name string, data []byte, mode fs.FileMode, more ...func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), Temp)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	for _, change := range more {
		if err == nil {
			err = change(f)
		}
	}
	if err == nil {
		err = f.Chmod(mode) // last, because a change of the owner clears bits
	}
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return Replace(f, name)
}

// Replace syncs the temporary file f, renames it to name, and syncs the directory. f must be in the
// directory of name. Replace closes f, and removes it after an error.
func Replace(f *os.File, name string) error {
	err := Close(f)
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return SyncDir(filepath.Dir(name))
}

// ReplaceIn is like Replace for directories that other users may write to: it resolves both names
// under root. f is the open file temp.
func ReplaceIn(root *os.Root, f *os.File, temp, name string) error {
	err := Close(f)
	if err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		_ = root.Remove(temp)
		return err
	}
	d, err := root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	return Close(d)
}

// Close syncs and closes f. It closes f even if the sync fails.
func Close(f *os.File) error { return errors.Join(f.Sync(), f.Close()) }

// SyncDir makes changes of a directory durable: created, renamed and removed entries.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return Close(d)
}
