package shim

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/left4me"
)

// ErrSecond means that the server already has a shim; test for it with errors.Is.
var ErrSecond = errors.New("the server has a shim already")

// borrowTimeout is how long Borrow retries while another process briefly holds the lock to test it.
const borrowTimeout = 500 * time.Millisecond

// Lock takes the lock that ensures that a server has at most one shim. The lock is held until Unlock or
// until the process ends. Lock doesn't block: if the lock is held, the error is ErrSecond.
func Lock(run string, n left4me.Name) (*os.File, error) {
	path := lockPath(run, n)
	for repaired := false; ; {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o640)
		if errors.Is(err, os.ErrNotExist) { // with systemd, the unit creates it
			if err = os.Mkdir(filepath.Dir(path), 0o700); err == nil || errors.Is(err, os.ErrExist) {
				continue
			}
		}
		if err == nil && !regular(f) {
			f.Close()
			err = gameuser.ErrKind
		}
		if err != nil && !repaired && repairLock(path) {
			repaired = true
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
		if err := flock(f, unix.LOCK_EX); err != nil {
			f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, fmt.Errorf("%s: %w", n, ErrSecond)
			}
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if sameFile(f, path) {
			return f, nil
		}
		Unlock(f) // Forget removed the file in the meantime
	}
}

// Unlock releases a lock. Closing the file is not enough: a child that another goroutine is forking
// shares the descriptor until it executes its program, which takes a while in new namespaces.
func Unlock(f *os.File) {
	_ = flock(f, unix.LOCK_UN)
	f.Close()
}

// Borrow is like Lock for callers that need the server to be down for a moment: it retries for up to
// 500 ms while another process holds the lock only to test it.
func Borrow(run string, n left4me.Name) (f *os.File, err error) {
	deadline := time.Now().Add(borrowTimeout)
	for {
		if f, err = Lock(run, n); !errors.Is(err, ErrSecond) || time.Now().After(deadline) {
			return f, err
		}
		time.Sleep(borrowTimeout / 20)
	}
}

func regular(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode().IsRegular()
}

// repairLock repairs the path of a lock if a plugin replaced the file or its directory, or changed their
// modes, and reports whether it changed anything. It never removes a regular file, since a process may
// hold a lock on it.
func repairLock(path string) bool {
	dir := filepath.Dir(path)
	st, err := os.Lstat(dir)
	switch {
	case err != nil:
		return false
	case !st.IsDir():
		return removeOrRename(dir) == nil
	case st.Mode().Perm()&0o700 != 0o700 && os.Chmod(dir, 0o700) != nil:
		return false
	}
	if st, err = os.Lstat(path); err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	if st.Mode().IsRegular() {
		return os.Chmod(path, 0o640) == nil
	}
	return removeOrRename(path) == nil
}

// removeOrRename removes what a plugin may have put at a path that the shim needs, for example a directory.
// What can't be removed is renamed. A path that doesn't exist is a success.
func removeOrRename(path string) error {
	if os.RemoveAll(path) == nil {
		return nil
	}
	return os.Rename(path, path+".aside-"+rand.Text())
}

func sameFile(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Lstat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// Hold takes the lock for the lifetime of a shim and writes the process ID into it.
func Hold(run string, n left4me.Name) (*os.File, error) {
	f, err := Take(run, n)
	if err != nil {
		return nil, err
	}
	return f, Sign(int(f.Fd()))
}

// Take is like Hold for a shim that must not be visible yet; call Sign once it may be.
func Take(run string, n left4me.Name) (*os.File, error) {
	f, err := Borrow(run, n)
	switch {
	case err == nil:
		return f, f.Truncate(0) // remove the previous holder's process ID
	case errors.Is(err, ErrSecond):
		return nil, left4me.NewError(left4me.Conflict, "server.runs_already", "server", n).Because(err)
	}
	return nil, err
}

// Sign writes the ID of this process into a lock returned by Take.
func Sign(lock int) error {
	_, err := unix.Pwrite(lock, []byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// Shim returns the process ID of a server's shim, if it has one: the process that wrote its ID into the
// lock and has the file open. A process that only tests the lock doesn't count.
func Shim(run string, n left4me.Name) (pid int, ok bool) {
	pid, ok = locked(run, n)
	if !ok || pid == 0 {
		return 0, false
	}
	lock, err := os.Lstat(lockPath(run, n))
	if err != nil {
		return 0, false
	}
	dir := process(pid).dir() + "/fd"
	fds, err := os.ReadDir(dir)
	if err != nil {
		return 0, false
	}
	for _, fd := range fds {
		if st, err := os.Stat(filepath.Join(dir, fd.Name())); err == nil && os.SameFile(st, lock) {
			return pid, true
		}
	}
	return 0, false
}

func locked(run string, n left4me.Name) (pid int, locked bool) {
	f, err := os.OpenFile(lockPath(run, n), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, false
	}
	defer Unlock(f)
	if err := flock(f, unix.LOCK_SH); !errors.Is(err, unix.EWOULDBLOCK) {
		return 0, false
	}
	var buf [16]byte
	k, _ := f.ReadAt(buf[:], 0)
	pid, _ = strconv.Atoi(strings.TrimSpace(string(buf[:k])))
	return max(pid, 0), true
}

func lockPath(run string, n left4me.Name) string { return filepath.Join(Dir(run, n), "lock") }

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
