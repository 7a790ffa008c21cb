package steamcmd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// lowSpace is the free space in bytes below which the disk counts as full if a write failed and the
// required size is unknown.
const lowSpace = 64 << 20

// notWritten finds out why SteamCMD could not write. SteamCMD reports a full disk, files of another
// user and a lost connection in the same way.
func (w *work) notWritten(s outputState) error {
	if path := firstUnwritable(w.Dir); path != "" {
		return notWritable(path, syscall.EACCES)
	}
	free, err := disk.Free(w.Dir)
	switch {
	case err == nil && s.remaining > free, err == nil && free < lowSpace:
		e := disk.Full(w.Dir, s.remaining, DiskFull)
		return left4me.NewError(left4me.DiskFull, "steamcmd.disk_full_there", "error", e, "reason", s.message).Because(e)
	}
	return failure(s.cause, s.message)
}

// tryWriting creates a file in a directory and removes it.
func tryWriting(dir string) error {
	f, err := os.CreateTemp(dir, ".left4me-try-*")
	switch {
	case disk.IsFull(err):
		return failure(DiskFull, err.Error())
	case err != nil:
		return notWritable(dir, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// maxScanned is the maximum number of files that firstUnwritable examines.
const maxScanned = 200_000

// firstUnwritable returns the first path in an installation that this user cannot write to, or "".
func firstUnwritable(dir string) string {
	found, scanned := "", 0
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if scanned++; scanned > maxScanned {
			return fs.SkipAll
		}
		if err == nil && d.Type()&fs.ModeSymlink != 0 {
			return nil
		}
		mode := uint32(unix.W_OK)
		if err == nil && d.IsDir() {
			mode |= unix.X_OK
		}
		// A read-only file can still be replaced, so only its owner matters.
		if err != nil || unix.Access(path, mode) != nil && (d.IsDir() || !isOwn(path)) {
			found = path
			return fs.SkipAll
		}
		return nil
	})
	return found
}

func isOwn(path string) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
