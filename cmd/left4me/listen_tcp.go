package main

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

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
