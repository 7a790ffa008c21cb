package overlayfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// An upper directory of fuse-overlayfs marks removed and opaque directories with
// attributes that the kernel doesn't know: mounted, they would show files that
// the server had removed. The look is about data, not safety, so it is bounded
// and goes on with the mount when a bound is met.
const (
	taintMark    = "user.fuseoverlayfs."
	taintEntries = 200_000
	taintTime    = 3 * time.Second

	maxAttrs = 64 << 10 // the kernel's bound on one list of names
)

func tainted(upper *os.File) error {
	look := taintLook{until: time.Now().Add(taintTime)}
	name, err := look.walk(int(upper.Fd()), ".")
	if err != nil {
		return fmt.Errorf("upper: %w", err)
	}
	if name != "" {
		return fmt.Errorf("upper: %q was written by fuse-overlayfs; convert it, or reset the server: %w", name, ErrRefused)
	}
	return nil
}

type taintLook struct {
	seen  int
	until time.Time
}

// walk gives the name of the first entry with a mark, or nothing. parent is a
// descriptor of any kind; name is one entry in it.
func (l *taintLook) walk(parent int, name string) (string, error) {
	if l.seen++; l.seen > taintEntries || l.seen%1024 == 0 && time.Now().After(l.until) {
		return "", nil
	}
	// An entry that can't be opened (a link, a device, no right) can't hide
	// marks below it; its own are read by name.
	mark, err := marked("/proc/self/fd/" + strconv.Itoa(parent) + "/" + name)
	if err != nil || mark {
		return name, err
	}
	fd, err := unix.Openat(parent, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil //nolint:nilerr // see above
	}
	dir := os.NewFile(uintptr(fd), name)
	defer dir.Close()
	for {
		names, err := dir.Readdirnames(256)
		for _, n := range names {
			if found, err := l.walk(fd, n); err != nil || found != "" {
				return found, err
			}
		}
		if errors.Is(err, io.EOF) || len(names) == 0 {
			return "", nil
		}
	}
}

func marked(name string) (bool, error) {
	var small [1024]byte
	buf := small[:]
	n, err := unix.Llistxattr(name, buf)
	if errors.Is(err, unix.ERANGE) {
		buf = make([]byte, maxAttrs)
		n, err = unix.Llistxattr(name, buf)
	}
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOTSUP):
		return false, nil
	case err != nil:
		return false, err
	}
	for attr := range strings.SplitSeq(string(buf[:n]), "\x00") {
		if strings.HasPrefix(attr, taintMark) {
			return true, nil
		}
	}
	return false, nil
}
