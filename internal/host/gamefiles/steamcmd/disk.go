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

// shortOf is how many bytes free count as a full disk when SteamCMD could not
// write and it isn't known how much it wanted.
const shortOf = 64 << 20

// notWritten explains why SteamCMD could not write: it tells the same of a full
// disk, of files that belong to somebody else, and of a line that broke.
func (w *work) notWritten(s said) error {
	if path := notOurs(w.Dir); path != "" {
		return notWritable(path, syscall.EACCES)
	}
	free, err := disk.Free(w.Dir)
	switch {
	case err == nil && s.left > free, err == nil && free < shortOf:
		e := disk.Full(w.Dir, s.left, DiskFull)
		return left4me.NewError(left4me.DiskFull, "steamcmd.disk_full_there", "error", e, "reason", s.words).Because(e)
	}
	return failure(s.cause, s.words)
}

// tryWriting makes a file in a directory and removes it.
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

// maxScanned bounds the search for files that are not ours.
const maxScanned = 200_000

// notOurs finds something in an installation that we can't write to; "" if there
// is nothing.
func notOurs(dir string) string {
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
		// Files may be without w for us and still be replaced: only whose they are
		// matters.
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
