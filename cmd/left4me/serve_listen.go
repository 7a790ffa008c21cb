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

// localListener opens the socket for commands on this machine. They need no token, because the kernel
// identifies the peer.
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

// removedAtClose is a listener whose socket is removed when it is closed, so clients immediately see
// that left4me is not running.
type removedAtClose struct {
	net.Listener
	path string
}

func (l removedAtClose) Close() error {
	return errors.Join(l.Listener.Close(), os.Remove(l.path))
}

// localSocket returns the path of the socket for commands on this machine.
func localSocket() string {
	_, run, err := directories(os.Getenv)
	if err != nil {
		run = defaultRun
	}
	return socketOf(settings{run: run})
}

func socketOf(s settings) string { return filepath.Join(s.run, socketName) }

const (
	// unreadWithin is how long a client may stop reading before its connection is closed. A proxy
	// that waits for a slow client does not take longer.
	unreadWithin = 30 * time.Second
	// unsentBytes limits the unsent part of an answer in the kernel. By default Linux queues up to 4
	// MiB for a client that does not read.
	unsentBytes = 64 << 10
)

// listenTCP listens for browsers and programs. The kernel closes a connection if the peer has received
// nothing for the given time while data is waiting. Every received byte extends the deadline, for
// pages, downloads and streams, and also after the handler has returned.
func listenTCP(address string, unread time.Duration) (net.Listener, error) {
	c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var set error
		err := raw.Control(func(fd uintptr) { // accepted connections inherit both options
			set = errors.Join(
				unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unread.Milliseconds())),
				unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes),
			)
		})
		return errors.Join(err, set)
	}}
	c.SetMultipathTCP(false) // MPTCP sockets reject TCP_USER_TIMEOUT, and Listen would try both
	return c.Listen(context.Background(), "tcp", address)
}
