package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

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
