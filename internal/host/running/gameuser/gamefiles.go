// Package gameuser opens, reads and removes files in directories that the game's user may write to:
// runtime/NAME, logs/NAME and the directory of a server's socket.
//
// A plugin can put anything there and exchange it at any moment. Therefore everything is opened by
// descriptor below a directory that left4me chose, without following symbolic links and without
// blocking on FIFOs, and checked after opening and before reading. No other code in left4me reads there
// by name (TestOnlyKnownFunctionsNameGameDirectories).
package gameuser

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrKind means that an entry is neither a regular file nor a directory, and ErrSize that a file is
// longer than the caller's limit; test for them with errors.Is.
var (
	ErrKind = errors.New("not a regular file")
	ErrSize = errors.New("too large")
)

const beneath = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS

// OpenDir opens the directory rel below root. root itself may be reached through symbolic links.
// Errors: fs.ErrNotExist, unix.ENOTDIR, and unix.ELOOP if a component of rel is a symbolic link.
func OpenDir(root, rel string) (*os.File, error) {
	top, err := os.OpenFile(root, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	return openAt(top, rel, unix.O_RDONLY|unix.O_DIRECTORY, beneath)
}

// OpenRoot is like OpenDir for callers that access many files below a directory.
func OpenRoot(root, rel string) (*os.Root, error) {
	dir, err := OpenDir(root, rel)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return os.OpenRoot("/proc/self/fd/" + strconv.Itoa(int(dir.Fd())))
}

// OpenAt opens the regular file or directory rel below dir. flags are those of open(2), and a new file
// gets mode 0640. Errors: ErrKind, and those of OpenDir.
func OpenAt(dir *os.File, rel string, flags int) (*os.File, error) {
	f, err := openAt(dir, rel, flags, beneath)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	err = unix.Fstat(int(f.Fd()), &st)
	if m := st.Mode & unix.S_IFMT; err == nil && m != unix.S_IFREG && m != unix.S_IFDIR {
		err = ErrKind
	}
	if err != nil {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: rel, Err: err}
	}
	return f, nil
}

// Read returns the contents of the regular file rel below dir. If it is longer than most bytes, the
// error is ErrSize. Other errors: those of OpenAt.
func Read(dir *os.File, rel string, most int64) ([]byte, error) {
	f, err := OpenAt(dir, rel, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: rel, Err: ErrKind}
	}
	if st.Size() > most {
		return nil, &fs.PathError{Op: "read", Path: rel, Err: fmt.Errorf("%w: %d bytes, at most %d are read", ErrSize, st.Size(), most)}
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1)) // the file may grow in the meantime
	if err == nil && int64(len(b)) > most {
		err = &fs.PathError{Op: "read", Path: rel, Err: fmt.Errorf("%w: more than %d bytes", ErrSize, most)}
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// openAt opens rel below dir. O_NONBLOCK keeps open from waiting for the writer of a FIFO; it has no
// effect on files and directories.
func openAt(dir *os.File, rel string, flags int, resolve uint64) (*os.File, error) {
	how := unix.OpenHow{Flags: uint64(flags) | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC, Resolve: resolve}
	if flags&unix.O_PATH != 0 { // O_PATH can't be combined with the other flags: open(2)
		how.Flags = uint64(flags) | unix.O_NOFOLLOW | unix.O_CLOEXEC
	}
	if flags&unix.O_CREAT != 0 {
		how.Mode = 0o640
	}
	for {
		fd, err := unix.Openat2(int(dir.Fd()), rel, &how)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
			continue // a rename happened during the lookup: openat2(2)
		}
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: rel, Err: err}
		}
		return os.NewFile(uintptr(fd), rel), nil
	}
}
