package rcon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// Limits of the client.
const (
	DefaultTimeout = 10 * time.Second // for a call whose context has no deadline
	MaxCommand     = 510              // bytes, the limit of the engine's command buffer
	MaxReply       = 4 << 20          // bytes
)

// quiet is how long a server that has begun to answer may pause before the answer counts as complete.
// It only matters for servers that do not mirror the end mark.
const quiet = 2 * time.Second

var (
	// ErrAuth is returned if the server refuses the password, or if it has revoked the authentication:
	// changing rcon_password at run time does that to all connections. Do not try the same password
	// again.
	ErrAuth = errors.New("password refused")
	// ErrClosed is returned if the server closed the connection or Close was called. During Dial it
	// often means that the server has banned this address.
	ErrClosed = errors.New("connection closed")
	// ErrTooLong is returned for a command over MaxCommand bytes, which is not sent, and for a reply
	// over MaxReply bytes, which ends the connection.
	ErrTooLong = errors.New("too long")
	// ErrCommand is returned for a command that is empty or contains control characters. The command is
	// not sent. A semicolon is allowed: a caller that builds commands from user input must quote it.
	ErrCommand = errors.New("invalid command")
)

// Client is an authenticated connection. Methods may be called concurrently; the commands run one after
// another.
type Client struct {
	turn  chan struct{} // holds one token; its holder may use the fields below
	conn  net.Conn
	quiet time.Duration
	last  int32  // the last ID used
	in    []byte // received bytes that do not form a packet yet; kept if a timeout interrupts a packet
	err   error  // why the connection is no longer usable
}

// Dial connects to addr ("host:port") and sends the password. It returns ErrAuth if the server refuses
// the password. It does not send an empty password, because servers refuse it and count the failure.
func Dial(ctx context.Context, addr, password string) (*Client, error) {
	if password == "" || len(password) > MaxCommand || strings.ContainsRune(password, 0) {
		return nil, fmt.Errorf("rcon: password empty, too long or with a zero byte: %w", ErrAuth)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("rcon: %w", err)
	}
	c := &Client{turn: make(chan struct{}, 1), conn: conn, quiet: quiet}
	c.turn <- struct{}{}
	if err := c.auth(ctx, password); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("rcon: authenticate: %w", err)
	}
	return c, nil
}

// Close closes the connection. A command in progress returns ErrClosed.
func (c *Client) Close() error {
	err := c.conn.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Exec runs a command and returns its complete output, which may be empty and may contain any bytes. It
// returns the context's error when ctx ends, or fails after [DefaultTimeout] if ctx has no deadline. A
// server that is loading a map answers after at most half a minute. After a timeout the command may
// have run, or may still run; the connection remains usable and a late answer is discarded. After
// ErrAuth, ErrClosed, ErrMalformed and a reply that is ErrTooLong, the connection is unusable. Exec
// returns the output so far with the error.
//
// Commands that end the server (quit, exit, _restart) succeed when the server closes the connection.
func (c *Client) Exec(ctx context.Context, command string) (string, error) {
	if err := check(command); err != nil {
		return "", fmt.Errorf("rcon: %w", err)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	select {
	case <-c.turn:
		defer func() { c.turn <- struct{}{} }()
	case <-ctx.Done():
		return "", fmt.Errorf("rcon: exec: %w", ctx.Err())
	}
	if c.err != nil {
		return "", fmt.Errorf("rcon: exec: %w", c.err)
	}
	text, err := c.exec(ctx, command)
	if errors.Is(err, ErrClosed) && ends(command) {
		c.fail(err)
		return text, nil
	}
	if err != nil {
		if ctx.Err() == nil {
			c.fail(err)
		}
		return text, fmt.Errorf("rcon: exec: %w", err)
	}
	return text, nil
}

// fail closes the connection and makes all later commands return err.
func (c *Client) fail(err error) {
	c.err = err
	_ = c.conn.Close()
}

func (c *Client) auth(ctx context.Context, password string) error {
	stop := c.watch(ctx)
	defer stop()
	if err := c.send(ctx, AppendPacket(nil, Packet{ID: c.id(), Type: Auth, Body: password})); err != nil {
		return err
	}
	// Servers usually send an empty ResponseValue first.
	for range 16 {
		p, err := c.next(ctx, time.Time{})
		if err != nil {
			return err
		}
		switch {
		case p.Type != AuthResponse:
		case p.ID == AuthFailed:
			return ErrAuth
		default:
			return nil // should be our ID, but not all servers mirror it here
		}
	}
	return fmt.Errorf("no answer to the password: %w", ErrMalformed)
}

// exec sends the command followed by an empty ResponseValue. The server mirrors the latter once it has
// answered the command; the protocol has no other end mark. The server then sends a second packet with
// the same ID, which is discarded before the next answer like any other late packet.
func (c *Client) exec(ctx context.Context, command string) (string, error) {
	stop := c.watch(ctx)
	defer stop()
	id, end := c.id(), c.id()
	b := AppendPacket(nil, Packet{ID: id, Type: ExecCommand, Body: command})
	b = AppendPacket(b, Packet{ID: end, Type: ResponseValue})
	if err := c.send(ctx, b); err != nil {
		return "", err
	}
	var text []byte
	var pause time.Time // deadline for the next packet of an answer that has begun
	for {
		p, err := c.next(ctx, pause)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil && !pause.IsZero():
			return string(text), nil
		case err != nil:
			return string(text), err
		case p.Type == AuthResponse && p.ID == AuthFailed:
			return string(text), ErrAuth
		case p.Type != ResponseValue:
		case p.ID == end:
			return string(text), nil
		case p.ID == id:
			if len(text)+len(p.Body) > MaxReply {
				return string(text), fmt.Errorf("reply: %w", ErrTooLong)
			}
			text = append(text, p.Body...)
			pause = time.Now().Add(c.quiet)
		}
	}
}

// watch interrupts reads and writes when ctx ends, until stop is called. stop waits for the interrupt
// to finish; otherwise the deadline of one command could be set during the next.
func (c *Client) watch(ctx context.Context) (stop func()) {
	_ = c.conn.SetDeadline(time.Time{})
	done := make(chan struct{})
	forget := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = c.conn.SetDeadline(time.Unix(1, 0))
	})
	return func() {
		if !forget() {
			<-done
		}
	}
}

// next reads one packet. If pause is set, next returns os.ErrDeadlineExceeded at that time.
func (c *Client) next(ctx context.Context, pause time.Time) (Packet, error) {
	if !pause.IsZero() {
		_ = c.conn.SetReadDeadline(pause)
	}
	for {
		p, rest, err := cut(c.in)
		if err != nil {
			return Packet{}, err
		}
		if rest != nil {
			c.in = rest
			return p, nil
		}
		// Check ctx after SetReadDeadline above, which may have overwritten the deadline set by watch.
		if ctx.Err() != nil {
			return Packet{}, ctx.Err()
		}
		var b [4096]byte
		n, err := c.conn.Read(b[:])
		c.in = append(c.in, b[:n]...)
		if err != nil && n == 0 {
			return Packet{}, c.cause(ctx, err)
		}
	}
}

func (c *Client) send(ctx context.Context, b []byte) error {
	n, err := c.conn.Write(b)
	if err != nil && n > 0 && n < len(b) {
		// Part of a command was sent. The server would read the next bytes as the rest of the command.
		c.fail(ErrClosed)
	}
	return c.cause(ctx, err)
}

// cause converts network errors to the errors of this package.
func (c *Client) cause(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}

// id returns the next ID: positive, never AuthFailed, and different from the IDs of late answers.
func (c *Client) id() int32 {
	if c.last == math.MaxInt32 {
		c.last = 0
	}
	c.last++
	return c.last
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, DefaultTimeout)
}

func check(command string) error {
	if strings.TrimSpace(command) == "" {
		return fmt.Errorf("%w: empty", ErrCommand)
	}
	if len(command) > MaxCommand {
		return fmt.Errorf("command of %d bytes: %w", len(command), ErrTooLong)
	}
	if i := strings.IndexFunc(command, unicode.IsControl); i >= 0 {
		return fmt.Errorf("%w: control character at byte %d", ErrCommand, i)
	}
	return nil
}

// ends reports whether one of the commands ends the server. Semicolons outside of quotes separate
// commands.
func ends(command string) bool {
	quoted := false
	parts := strings.FieldsFunc(command, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ';' && !quoted
	})
	for _, p := range parts {
		if f := strings.Fields(p); len(f) > 0 {
			switch strings.ToLower(strings.Trim(f[0], `"`)) {
			case "quit", "exit", "_restart":
				return true
			}
		}
	}
	return false
}
