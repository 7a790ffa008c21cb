// Package unixsock listens on Unix sockets in the file system.
package unixsock

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Unfinished is the suffix of the path of a socket that does not accept connections yet. A killed
// process may leave one; the next Listen removes it.
const Unfinished = ".new"

// Listen listens at path with the given permissions and replaces an existing file. bind(2) creates
// the file before listen(2) makes it accept connections and before its permissions can be set, so
// Listen creates the socket next to path and renames it: a socket visible at path accepts
// connections from every permitted user. path may be longer than a socket address. Closing the
// listener leaves the file in place.
func Listen(path string, perm fs.FileMode) (*net.UnixListener, error) {
	l, err := listen(path, perm)
	if err != nil {
		return nil, fmt.Errorf("listen at socket %s: %w", path, err)
	}
	return l, nil
}

func listen(path string, perm fs.FileMode) (*net.UnixListener, error) {
	dir, err := os.OpenFile(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	at, name := int(dir.Fd()), filepath.Base(path)
	unfinished := name + Unfinished
	if err := unix.Unlinkat(at, unfinished, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	address := filepath.Join("/proc/self/fd", strconv.Itoa(at), unfinished)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	err = unix.Fchmodat(at, unfinished, uint32(perm.Perm()), 0)
	if err == nil {
		err = unix.Renameat(at, unfinished, at, name)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close(), unix.Unlinkat(at, unfinished, 0))
	}
	return l, nil
}
