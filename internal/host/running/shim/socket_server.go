package shim

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
	"github.com/left4me/left4me/internal/unixsock"
)

const (
	// maxClients limits the number of connections. Further connections are closed immediately.
	maxClients = 64
	// idleTime is how long a connection may stay open without a request.
	idleTime = time.Minute
)

// socketServer answers clients on the socket.
type socketServer struct {
	shim     *shim
	listener *net.UnixListener
	path     string
	owner    uint32 // the user that wrote instance.env; may connect too
	slots    chan struct{}
	buffers  sync.Pool // buffers of console output to send
	clients  sync.WaitGroup
}

// openSocket listens on the server's socket. Access is checked twice: by the mode of the socket and by
// the peer credentials from the kernel.
func openSocket(s *shim) (*socketServer, error) {
	var st unix.Stat_t
	if err := unix.Stat(s.Root.Env(s.Name), &st); err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	path := Socket(s.Run, s.Name)
	mode := fs.FileMode(0o600)
	if st.Uid != uint32(os.Geteuid()) {
		mode = 0o660 // the agent runs as another user, who is in our group
	}
	l, err := unixsock.Listen(path, mode)
	if err != nil {
		return nil, err
	}
	d := &socketServer{shim: s, listener: l, path: path, owner: st.Uid, slots: make(chan struct{}, maxClients)}
	d.buffers.New = func() any { return new([]byte) }
	return d, nil
}

// run answers requests until ctx ends, then finishes the answers in progress.
func (d *socketServer) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { d.listener.Close() })
	defer stop()
	defer d.clients.Wait()
	for {
		c, err := d.listener.AcceptUnix()
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			_ = sleep.For(ctx, emptyPause) // for example out of file descriptors, which is temporary
			continue
		}
		select {
		case d.slots <- struct{}{}:
		default:
			c.Close()
			continue
		}
		d.clients.Go(func() {
			defer func() { <-d.slots }()
			defer c.Close()
			if d.known(c) {
				d.converse(ctx, c)
			}
		})
	}
}

// known reports whether the peer may use the socket.
func (d *socketServer) known(c *net.UnixConn) bool {
	cred, err := peer(c)
	return err == nil && (cred.Uid == 0 || cred.Uid == uint32(os.Geteuid()) || cred.Uid == d.owner)
}

func (d *socketServer) converse(ctx context.Context, c *net.UnixConn) {
	r := bufio.NewReader(c)
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for ctx.Err() == nil {
		_ = c.SetReadDeadline(time.Now().Add(idleTime))
		line, err := readLine(r, maxRequest)
		if err != nil {
			return
		}
		q, err := parseRequest(line)
		if err != nil {
			if d.reply(c, answer{Error: clientError(err)}, nil) != nil || errors.Is(err, errRequest) {
				return // the peer speaks another protocol
			}
			continue
		}
		if d.answer(ctx, c, r, q) != nil {
			return
		}
	}
}

// clientError returns err in the form that a client may see.
func clientError(err error) *left4me.Error {
	if e, ok := left4me.Public(err); ok {
		return e
	}
	if errors.Is(err, errRequest) {
		return left4me.NewError(left4me.Invalid, "request.invalid", "reason", err.Error())
	}
	return left4me.Crossing(err)
}

func (d *socketServer) answer(ctx context.Context, c *net.UnixConn, r *bufio.Reader, q request) error {
	s := d.shim
	switch q.Verb {
	case verbStatus:
		return d.status(c, s.board.get())
	case verbWatch:
		if st := s.board.get(); q.Wait == 0 || st.Rev != q.Rev {
			return d.status(c, st)
		}
		ctx, done := waitConnected(ctx, c, r, q.Wait)
		st := s.board.await(ctx, q.Rev)
		done()
		return d.status(c, st)
	case verbRead:
		return d.read(ctx, c, r, q)
	case verbStop:
		s.stop()
		return d.reply(c, answer{}, nil)
	case verbWrite:
		if err := s.write(q.Line); err != nil {
			return d.reply(c, answer{Error: clientError(err)}, nil)
		}
		return d.reply(c, answer{}, nil)
	}
	return errRequest
}

func (d *socketServer) status(c *net.UnixConn, st Status) error {
	st.Position = d.shim.console.position()
	return d.reply(c, answer{Status: &st}, nil)
}

func (d *socketServer) read(ctx context.Context, c *net.UnixConn, r *bufio.Reader, q request) error {
	done := func() {}
	if q.After == d.shim.console.position() {
		ctx, done = waitConnected(ctx, c, r, q.Wait)
	}
	buf := d.buffers.Get().(*[]byte)
	defer d.buffers.Put(buf)
	k, raw := d.shim.console.read(ctx, q.After, q.Max, *buf)
	*buf = raw
	done()
	return d.reply(c, answer{After: k.After, Position: k.Position, Lost: k.Lost, Bytes: len(raw)}, raw)
}

func (d *socketServer) reply(c *net.UnixConn, a answer, raw []byte) error {
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_ = c.SetWriteDeadline(time.Now().Add(writeTime))
	all := net.Buffers{append(line, '\n'), raw}
	_, err = all.WriteTo(c)
	return err
}

// waitConnected returns a context that ends after wait milliseconds, or as soon as the client disconnects.
// Otherwise clients that connect and leave would occupy slots until their waits end. The client must
// not send anything before it has its answer. Call done before reading from the connection again.
func waitConnected(ctx context.Context, c *net.UnixConn, r *bufio.Reader, wait int64) (_ context.Context, done func()) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(wait)*time.Millisecond)
	_ = c.SetReadDeadline(time.Time{})
	peeked := make(chan struct{})
	go func() {
		defer close(peeked)
		if _, err := r.Peek(1); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			cancel()
		}
	}()
	return ctx, func() {
		_ = c.SetReadDeadline(time.Unix(1, 0))
		<-peeked
		cancel()
	}
}
