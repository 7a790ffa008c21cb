package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/host/shim"
)

// Empty empties the writable layer of a stopped server, whatever modes the game
// gave to what is in it. Errors: left4me.Busy when the server is up.
func (s *Supervisor) Empty(ctx context.Context, n left4me.Name) error {
	if !n.Valid() {
		return invalid(n)
	}
	if err := os.MkdirAll(s.cfg.Run, 0o700); err != nil {
		return fmt.Errorf("empty %s: %w", n, err)
	}
	lock, err := shim.Lock(s.cfg.Run, n) // nothing starts meanwhile
	if errors.Is(err, shim.ErrSecond) {
		return &left4me.Error{Kind: left4me.Busy, Text: fmt.Sprintf("%s runs", n), Hint: "stop it first", Err: err}
	}
	if err != nil {
		return fmt.Errorf("empty %s: %w", n, err)
	}
	defer lock.Close()
	if err := empty(ctx, string(s.cfg.Root), n); err != nil {
		return fmt.Errorf("empty %s: %w", n, err)
	}
	return nil
}

// empty removes upper and work with all that is in them and makes them anew:
// the game may have changed the modes and attributes of upper itself. Of its home
// it removes what is the game's: what the agent put there stays.
func empty(ctx context.Context, root string, n left4me.Name) error {
	dir, err := open(root, path.Join("runtime", string(n)))
	if errors.Is(err, unix.ENOENT) {
		return nil // half-made
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	fd := int(dir.Fd())
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	_ = remove(ctx, dir, "home")
	for _, name := range []string{"upper", "work"} {
		if err := remove(ctx, dir, name); err != nil {
			return err
		}
		err := unix.Mkdirat(fd, name, 0o700)
		if err == nil { // past the umask, and with the group going on downwards if it did
			err = unix.Fchmodat(fd, name, 0o770|st.Mode&unix.S_ISGID, 0)
		}
		if err != nil {
			return &os.PathError{Op: "mkdir", Path: name, Err: err}
		}
	}
	return nil
}

// open opens a directory beneath root, and no link on the way.
func open(root, name string) (*os.File, error) {
	top, err := os.OpenFile(root, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	how := unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
	}
	fd, err := unix.Openat2(int(top.Fd()), name, &how)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), path.Base(name)), nil
}

// remove removes an entry of dir and what is beneath it, following no link. One
// that isn't there is no error.
func remove(ctx context.Context, dir *os.File, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d := int(dir.Fd())
	err := unix.Unlinkat(d, name, 0)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err := unix.Unlinkat(d, name, unix.AT_REMOVEDIR); err == nil {
		return nil
	}
	sub, derr := enter(dir, name)
	if derr != nil {
		return &os.PathError{Op: "remove", Path: name, Err: errors.Join(err, derr)}
	}
	defer sub.Close()
	for {
		names, err := sub.Readdirnames(1000)
		removed, failed := 0, error(nil)
		for _, n := range names {
			if err := remove(ctx, sub, n); err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			removed++
		}
		if failed != nil && (removed == 0 || errors.Is(err, io.EOF)) {
			return failed
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		// What was removed moves the rest: begin anew.
		if _, err := sub.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	if err := unix.Unlinkat(d, name, unix.AT_REMOVEDIR); err != nil && !errors.Is(err, unix.ENOENT) {
		return &os.PathError{Op: "remove", Path: name, Err: err}
	}
	return nil
}

// enter opens a directory for emptying, and makes it readable and writable for
// that. It is opened without any right to it first, so that no link is followed.
func enter(dir *os.File, name string) (*os.File, error) {
	at, err := unix.Openat(int(dir.Fd()), name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(at)
	self := "/proc/self/fd/" + strconv.Itoa(at)
	if err := unix.Chmod(self, 0o700); err != nil && !errors.Is(err, unix.EPERM) {
		return nil, err
	}
	return os.OpenFile(self, unix.O_RDONLY|unix.O_DIRECTORY, 0)
}
