package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A client that does not read the answer must lose its connection, both while the handler is writing
// and after it has returned with data left in the kernel. A client that reads slowly must keep its
// connection.
func TestListenTCPClosesConnectionsThatDoNotRead(t *testing.T) {
	const unread = 1000 * time.Millisecond
	l, err := listenTCP("127.0.0.1:0", unread)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 3)
	piece := bytes.Repeat([]byte("x"), 32<<10)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/short" { // fits into the kernel's buffer
			_, _ = w.Write(piece)
			return
		}
		var err error
		for sent := 0; err == nil && sent < 1<<30 && r.Context().Err() == nil; sent += len(piece) {
			_, err = w.Write(piece)
		}
		ended <- err
	})
	conns := make(chan net.Conn, 16)
	serving := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		serving <- serveHTTP(ctx, watched{l, conns}, h, nil, slog.New(slog.DiscardHandler))
	}()
	ask := func(path string) *net.TCPConn {
		d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10) })
		}}
		c, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		return c.(*net.TCPConn)
	}

	ask("/long")
	long := (<-conns).(*net.TCPConn)
	most := 0 // bytes queued in the kernel
	closed(t, long, func(n int) { most = max(most, n) })
	if err := <-ended; !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("unread answer: got error %v, want ETIMEDOUT", err)
	}
	if most > 4*unsentBytes {
		t.Errorf("got %d bytes queued in the kernel", most)
	}

	ask("/short")
	short := (<-conns).(*net.TCPConn)
	closed(t, short, func(int) {})

	slow := ask("/long")
	<-conns
	for end := time.Now().Add(3 * unread / 2); time.Now().Before(end); {
		if _, err := io.CopyN(io.Discard, slow, 8<<10); err != nil {
			t.Fatalf("slow client: %v", err)
		}
		time.Sleep(unread / 10)
	}
	slow.Close()
	<-ended
	stop()
	if err := <-serving; err != nil {
		t.Error(err)
	}
}

// watched is a listener that reports the connections it accepts.
type watched struct {
	net.Listener
	conns chan<- net.Conn
}

func (w watched) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err == nil {
		w.conns <- c
	}
	return c, err
}

// closed waits until a connection is closed and reports the bytes queued in the kernel in the meantime.
func closed(t *testing.T, c *net.TCPConn, waits func(int)) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		n, err := unsent(c)
		if err != nil {
			return
		}
		waits(n)
	}
	t.Fatal("the connection is still open")
}

// unsent returns the number of bytes queued in the kernel for the peer.
func unsent(c *net.TCPConn) (n int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var asked error
	err = raw.Control(func(fd uintptr) { n, asked = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return n, errors.Join(err, asked)
}
