package apiclient

import (
	"errors"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// trusted checks that the listener of the local socket is root, the current user or the owner of
// the socket's directory; otherwise it closes the connection and returns an error. Users that games
// run as can write to that directory, and must not be able to impersonate left4me while it is
// stopped.
func trusted(c net.Conn, path string, advice Advice) error {
	uid, err := peer(c)
	if err == nil {
		var dir unix.Stat_t
		err = unix.Stat(filepath.Dir(path), &dir)
		if err == nil && (uid == 0 || uid == uint32(os.Geteuid()) || uid == dir.Uid) {
			return nil
		}
	}
	c.Close()
	return left4me.NewError(left4me.Unavailable, "client.socket_of_another", "path", path, "advice", advice.start()).Because(err)
}

// peer returns the user id at the other end of a Unix socket.
func peer(c net.Conn) (uint32, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return 0, errors.New("not a unix socket")
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	if e := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); e != nil ||
		err != nil {
		return 0, errors.Join(e, err)
	}
	return cred.Uid, nil
}
