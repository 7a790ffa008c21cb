package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

const lockName = "left4me.lock"

// prepareRoot creates the root directory and takes its lock: two left4me processes on one root
// directory would start every server twice.
func prepareRoot(s settings) (unlock func(), err error) {
	for _, d := range []struct {
		setting, path string
		mode          fs.FileMode
	}{
		{"LEFT4ME_ROOT", s.root, 0o751},
		{"LEFT4ME_ROOT", filepath.Join(s.root, busName), 0o700},
		{"LEFT4ME_ROOT", filepath.Join(s.root, "tmp"), 0o751},
		{"LEFT4ME_RUN", s.run, 0o700},
	} {
		if err := ownDirectory(d.path, d.mode); err != nil {
			return nil, fmt.Errorf("%s: %w", d.setting, err)
		}
	}
	return lockRoot(s.root)
}

// lockRoot takes the lock of a root directory.
func lockRoot(root string) (unlock func(), err error) {
	lock, err := os.OpenFile(filepath.Join(root, lockName), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("LEFT4ME_ROOT: %w", err)
	}
	if err := giveToOwner(lock, root); err != nil {
		lock.Close()
		return nil, fmt.Errorf("LEFT4ME_ROOT: %w", err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	for begun := time.Now(); err != nil && holderEnded(lock) && time.Since(begun) < inheritedWithin; {
		time.Sleep(5 * time.Millisecond)
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		who := holder(lock)
		lock.Close()
		return nil, fmt.Errorf("LEFT4ME_ROOT: %w", left4me.NewError(left4me.Conflict, "root.locked", "root", root, "holder", who))
	}
	// Only the error message above needs it, so a full disk must not prevent the start.
	_ = lock.Truncate(0)
	_, _ = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return func() {
		_ = lock.Truncate(0)
		lock.Close()
	}, nil
}

// inheritedWithin is how long to wait for the lock of a killed left4me: a child that it was just
// starting holds all its files until it executes another program.
const inheritedWithin = 2 * time.Second

// holder describes the process that holds the lock, if its ID was recorded.
func holder(lock *os.File) string {
	if pid := holderPID(lock); pid > 0 {
		return fmt.Sprintf(" (process %d)", pid)
	}
	return ""
}

// holderEnded reports whether the process that took the lock has ended.
func holderEnded(lock *os.File) bool {
	pid := holderPID(lock)
	return pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// holderPID returns the ID of the process that took the lock, or 0.
func holderPID(lock *os.File) int {
	b := make([]byte, 20)
	n, _ := lock.ReadAt(b, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	return pid
}

// giveToOwner gives a file that we created as root, for example when restoring a backup, to the owner
// of its directory, because left4me could not open it otherwise. It does not change a file of root that
// was hard-linked there.
func giveToOwner(f *os.File, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	var file, owner syscall.Stat_t
	if err := errors.Join(syscall.Fstat(int(f.Fd()), &file), syscall.Stat(dir, &owner)); err != nil {
		return err
	}
	if file.Uid != 0 || owner.Uid == 0 || file.Nlink != 1 {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

// ownDirectory creates a directory or checks that it belongs to the current user: in a directory of
// another user our files would be unusable for its owner, and the owner could replace our sockets.
func ownDirectory(dir string, mode fs.FileMode) error {
	_, err := os.Lstat(dir)
	made := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(dir, mode); err != nil {
		return err
	}
	if made { // independent of the umask
		if err := os.Chmod(dir, mode); err != nil {
			return err
		}
	}
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok && int(sys.Uid) != os.Geteuid() {
		owner := strconv.Itoa(int(sys.Uid))
		if u, err := user.LookupId(owner); err == nil {
			owner = u.Username
		}
		return left4me.NewError(left4me.Invalid, "root.other_owner", "dir", dir, "owner", owner)
	}
	return nil
}
