// Package durable writes files that must survive a power cut: whenever it comes,
// the file has its old contents or the new ones as a whole, and what was reported
// as written stays.
//
// github.com/google/renameio/v2 promises the first half alone: it doesn't sync the
// directory, so that a rename which succeeded may be undone, and it doesn't let
// callers choose the name of the temporary file, by which what a kill leaves behind
// is found and removed.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Temp is the pattern, as of os.CreateTemp, of the temporary files that WriteFile
// makes beside the file. A process that is killed may leave one.
const Temp = ".new-*"

// WriteFile replaces the contents of the file name, or creates it, with the
// permission bits of mode. Each of more may change the temporary file, as its owner,
// before that is renamed. After an error the file is as it was, but for an error of
// syncing the directory.
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
		err = f.Chmod(mode) // last: a change of the owner takes bits away
	}
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return Replace(f, name)
}

// Replace renames the temporary file f, which lies in the directory of name, to
// name when its contents are on the disk, and syncs the directory. It closes f, and
// removes it after an error.
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

// ReplaceIn is Replace of the file temp in a root, for directories that others may
// write to: both names are resolved beneath root. f is temp, open.
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

// Close syncs f and closes it, also after an error.
func Close(f *os.File) error { return errors.Join(f.Sync(), f.Close()) }

// SyncDir makes the names in a directory durable: what was created, renamed and
// removed there.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return Close(d)
}
