package overlayfs

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// fuse-overlayfs marks removed files and opaque directories in its upper directory with attributes and
// names that the kernel doesn't know. Mounted by the kernel, such a directory would show files that the
// server had removed. The scan protects data, not security, so it is limited; at a limit, the mount
// proceeds.
const (
	taintMark    = "user.fuseoverlayfs."
	taintName    = ".wh." // used if it couldn't create devices: .wh.NAME and .wh..wh..opq
	taintEntries = 200_000
	taintDepth   = 64
	taintTime    = 3 * time.Second
)

func tainted(upper int, server string) error {
	scan := taintScan{until: time.Now().Add(taintTime)}
	name, err := scan.walk(upper, ".", taintDepth)
	if err != nil {
		return fmt.Errorf("upper: %w", err)
	}
	if name != "" {
		return fmt.Errorf("upper: %s was written by fuse-overlayfs; left4me convert-upper %s, or reset the server: %w", quote(name),
			server, ErrRefused)
	}
	return nil
}

type taintScan struct {
	seen  int
	until time.Time
	attrs [64 << 10]byte // the kernel's limit for a list of attribute names
}

// walk returns the name of the first entry with a mark, or "". parent is the descriptor of a directory
// that contains name.
func (l *taintScan) walk(parent int, name string, depth int) (string, error) {
	if l.seen++; l.seen > taintEntries || l.seen%1024 == 0 && time.Now().After(l.until) {
		return "", nil
	}
	if strings.HasPrefix(name, taintName) {
		return name, nil
	}
	// Don't enter mount points: the process behind a FUSE mount might never answer. An entry that can't
	// be opened can't hide marks below it.
	fd, err := openEntry(parent, name, unix.O_PATH)
	if err != nil {
		return "", nil //nolint:nilerr // see above
	}
	defer unix.Close(fd)
	mark, err := l.marked(descriptor(fd))
	switch {
	case err != nil || mark:
		return name, err
	case depth == 0:
		return "", nil
	}
	dir, err := os.OpenFile(descriptor(fd), unix.O_DIRECTORY, 0)
	if err != nil {
		return "", nil //nolint:nilerr // not a directory, or see above
	}
	defer dir.Close()
	for {
		names, err := dir.Readdirnames(256)
		for _, n := range names {
			if found, err := l.walk(fd, n, depth-1); err != nil || found != "" {
				return found, err
			}
		}
		if err != nil || len(names) == 0 {
			return "", nil //nolint:nilerr // its end, or see above
		}
	}
}

func (l *taintScan) marked(name string) (bool, error) {
	n, err := unix.Listxattr(name, l.attrs[:])
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOTSUP):
		return false, nil
	case err != nil:
		return false, err
	}
	for attr := range strings.SplitSeq(string(l.attrs[:n]), "\x00") {
		if strings.HasPrefix(attr, taintMark) {
			return true, nil
		}
	}
	return false, nil
}
