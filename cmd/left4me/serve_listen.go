package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/unixsock"
)

const socketName = "api.sock"

// localListener is the socket for commands on this machine, which need no
// token: the kernel says who is at the other end.
func localListener(s settings) (net.Listener, error) {
	path := filepath.Join(s.run, socketName)
	if len(path) >= len(unix.RawSockaddrUnix{}.Path) {
		return nil, fmt.Errorf("local socket: %s is longer than the address of a socket may be; set a shorter LEFT4ME_ROOT or LEFT4ME_RUN",
			path)
	}
	l, err := unixsock.Listen(path, 0o600)
	if err != nil {
		return nil, err
	}
	return removedAtClose{l, path}, nil
}

// removedAtClose is a listener whose socket goes when it is closed: clients then
// see at once that nothing serves.
type removedAtClose struct {
	net.Listener
	path string
}

func (l removedAtClose) Close() error {
	return errors.Join(l.Listener.Close(), os.Remove(l.path))
}

// localSocket is where serve listens for commands on this machine.
func localSocket() string {
	_, run, err := directories(os.Getenv)
	if err != nil {
		run = defaultRun
	}
	return socketOf(settings{run: run})
}

func socketOf(s settings) string { return filepath.Join(s.run, socketName) }

const (
	// unreadWithin is how long a client may take no byte of what it was sent. A
	// proxy that waits for a slow reader of its own takes no longer than that.
	unreadWithin = 30 * time.Second
	// unsentBytes is how much of an answer waits in the kernel behind what is on
	// its way: Linux grows this queue to 4 MiB for a client that reads nothing.
	unsentBytes = 64 << 10
)

// listenTCP listens for browsers and programs. The kernel ends a connection whose
// peer takes nothing for the given time while something is there for it: each
// byte that is taken moves the deadline on, for pages, downloads and streams
// alike, and also when the handler has returned and the rest waits in the kernel.
func listenTCP(address string, unread time.Duration) (net.Listener, error) {
	c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var set error
		err := raw.Control(func(fd uintptr) { // accepted connections inherit both
			set = errors.Join(
				unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unread.Milliseconds())),
				unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes),
			)
		})
		return errors.Join(err, set)
	}}
	c.SetMultipathTCP(false) // its sockets refuse TCP_USER_TIMEOUT; Listen would try both in turn
	return c.Listen(context.Background(), "tcp", address)
}
