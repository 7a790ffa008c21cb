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

// ErrSecond is the target of errors.Is when the server has a shim already.
var ErrSecond = errors.New("the server has a shim already")

// lockPatience covers those who try the lock only to see whether it is held.
const lockPatience = 500 * time.Millisecond

// Lock takes the lock that makes sure that there is one shim for a server, and
// holds it until Unlock or the end of the process. It doesn't wait: the error is
// ErrSecond.
func Lock(run string, n left4me.Name) (*os.File, error) {
	path := lockPath(run, n)
	for mended := false; ; {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o640)
		if errors.Is(err, os.ErrNotExist) { // systemd makes it, where there is one
			if err = os.Mkdir(filepath.Dir(path), 0o700); err == nil || errors.Is(err, os.ErrExist) {
				continue
			}
		}
		if err == nil && !regular(f) {
			f.Close()
			err = gameuser.ErrKind
		}
		if err != nil && !mended && mendLock(path) {
			mended = true
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
		Unlock(f) // Forget removed it in between
	}
}

// Unlock gives a lock back. Closing the file is not enough: a child that another
// goroutine forks at this moment has the descriptor too, until it executes its
// program, and in new namespaces that takes a while.
func Unlock(f *os.File) {
	_ = flock(f, unix.LOCK_UN)
	f.Close()
}

// Borrow is Lock for who needs the server to be down for a moment: it waits for
// those who only check whether the lock is held.
func Borrow(run string, n left4me.Name) (f *os.File, err error) {
	deadline := time.Now().Add(lockPatience)
	for {
		if f, err = Lock(run, n); !errors.Is(err, ErrSecond) || time.Now().After(deadline) {
			return f, err
		}
		time.Sleep(lockPatience / 20)
	}
}

func regular(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode().IsRegular()
}

// mendLock makes room for a lock where a plugin put something else or closed the
// file or its directory, and reports whether it changed anything. A lock that is a
// file stays, since somebody may hold it.
func mendLock(path string) bool {
	dir := filepath.Dir(path)
	st, err := os.Lstat(dir)
	switch {
	case err != nil:
		return false
	case !st.IsDir():
		return takeAway(dir) == nil
	case st.Mode().Perm()&0o700 != 0o700 && os.Chmod(dir, 0o700) != nil:
		return false
	}
	if st, err = os.Lstat(path); err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	if st.Mode().IsRegular() {
		return os.Chmod(path, 0o640) == nil
	}
	return takeAway(path) == nil
}

// takeAway removes what stands at a path where a shim has a file of its own, or
// renames what can't be removed: a plugin may have put a directory there. One that
// isn't there is a success.
func takeAway(path string) error {
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

// Hold takes the lock for the life of a shim and writes down who has it.
func Hold(run string, n left4me.Name) (*os.File, error) {
	f, err := Take(run, n)
	if err != nil {
		return nil, err
	}
	return f, Sign(int(f.Fd()))
}

// Take is Hold of one that isn't ready to be seen: Sign follows.
func Take(run string, n left4me.Name) (*os.File, error) {
	f, err := Borrow(run, n)
	switch {
	case err == nil:
		return f, f.Truncate(0) // of who had it before
	case errors.Is(err, ErrSecond):
		return nil, left4me.NewError(left4me.Conflict, "server.runs_already", "server", n).Because(err)
	}
	return nil, err
}

// Sign writes down that this process has a lock that was taken.
func Sign(lock int) error {
	_, err := unix.Pwrite(lock, []byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// Shim is the process of a server's shim, if there is one: the one that wrote
// its number into the lock and does hold it. Somebody who only checks whether the
// lock is held is none.
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
