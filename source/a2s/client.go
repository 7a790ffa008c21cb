package a2s

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// DefaultTimeout limits a query whose context has no deadline.
const DefaultTimeout = 3 * time.Second

// maxChallenges is the number of challenges that a query follows before it fails.
const maxChallenges = 3

// ErrClosed is returned by a client after Close. It equals [net.ErrClosed].
var ErrClosed = net.ErrClosed

// Client queries one server over a connected UDP socket, which receives packets from that server only.
// It sends each request once per challenge and does not repeat lost requests, because servers ignore
// clients that send more than about 3 requests per second. Callers should retry at most once per
// second. A server that is loading a map may not answer for up to a minute.
//
// Methods may be called concurrently; the queries run one after another.
type Client struct {
	turn chan struct{} // holds one token; its holder owns the fields below up to mu

	buf       []byte
	out       []byte
	challenge uint32
	stale     bool // the last query failed: its answer may still arrive
	split     Assembler

	mu     sync.Mutex // guards conn and closed against Close
	conn   net.Conn
	closed bool
}

// Dial opens a client for addr, "host:port". It sends nothing, so it also succeeds if no server is
// running.
func Dial(ctx context.Context, addr string) (*Client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", addr)
	if err != nil {
		return nil, fmt.Errorf("a2s: dial: %w", err)
	}
	c := &Client{turn: make(chan struct{}, 1), buf: make([]byte, 1<<16), challenge: NoChallenge, conn: conn}
	c.turn <- struct{}{}
	return c, nil
}

// Close closes the client. A query in progress returns ErrClosed.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	return c.conn.Close()
}

// Info sends an A2S_INFO query. All three queries return the context's error when ctx ends, or
// [context.DeadlineExceeded] after [DefaultTimeout] if ctx has no deadline. Packets that are not the
// answer are ignored. If an invalid answer arrived, the error also wraps ErrMalformed or ErrTooLarge.
// On the same machine, a port without a listener returns ECONNREFUSED immediately.
func (c *Client) Info(ctx context.Context) (Info, error) {
	return ask(ctx, c, KindInfo, "info", ParseInfo)
}

// Players sends an A2S_PLAYER query.
func (c *Client) Players(ctx context.Context) ([]Player, error) {
	return ask(ctx, c, KindPlayers, "players", ParsePlayers)
}

// Rules sends an A2S_RULES query. Left 4 Dead 2 servers often do not answer it.
func (c *Client) Rules(ctx context.Context) ([]Rule, error) {
	return ask(ctx, c, KindRules, "rules", ParseRules)
}

func ask[T any](ctx context.Context, c *Client, kind byte, what string, parse func([]byte) (T, error)) (T, error) {
	var answer T
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
		defer cancel()
	}
	select {
	case <-c.turn:
		defer func() { c.turn <- struct{}{} }()
	case <-ctx.Done():
		return answer, fmt.Errorf("a2s: %s: %w", what, ctx.Err())
	}
	err := c.exchange(ctx, kind, func(b []byte) error {
		var err error
		answer, err = parse(b)
		return err
	})
	if err != nil {
		var none T
		return none, fmt.Errorf("a2s: %s: %w", what, err)
	}
	return answer, nil
}

// exchange sends a request, follows challenges, and passes replies of the right kind to parse until it
// succeeds.
func (c *Client) exchange(ctx context.Context, kind byte, parse func([]byte) error) error {
	conn, err := c.fresh(ctx)
	if err != nil {
		return err
	}
	c.stale = true
	defer watch(ctx, conn)()

	if err := c.send(conn, kind); err != nil {
		return err
	}
	var bad error // why the last packet that looked like the answer was rejected
	for challenges := 0; ; {
		n, err := conn.Read(c.buf)
		if err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return errors.Join(err, bad)
		}
		packet := c.buf[:n]
		if ReplyOf(packet) == ReplySplit {
			whole, err := c.split.Add(packet)
			if err != nil {
				bad = err
			}
			packet = whole
		}
		switch ReplyOf(packet) {
		case ReplyChallenge:
			challenge, err := ParseChallenge(packet)
			if err != nil {
				bad = err
				continue
			}
			if challenges++; challenges > maxChallenges {
				return ErrChallenge
			}
			c.challenge = challenge
			if err := c.send(conn, kind); err != nil {
				return err
			}
		case replyTo(kind):
			if bad = parse(packet); bad == nil {
				c.stale = false
				return nil
			}
		}
	}
}

// fresh returns the socket. After a failed query it returns a new one: a late answer on the old socket
// would be taken for the answer to the next query, and so on for every later query.
func (c *Client) fresh(ctx context.Context) (net.Conn, error) {
	c.split.Reset()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	if c.stale {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "udp", c.conn.RemoteAddr().String())
		if err != nil {
			return nil, err
		}
		_ = c.conn.Close()
		c.conn, c.stale, c.challenge = conn, false, NoChallenge
	}
	return c.conn, c.conn.SetReadDeadline(time.Time{})
}

func (c *Client) send(conn net.Conn, kind byte) error {
	c.out = AppendRequest(c.out[:0], kind, c.challenge)
	_, err := conn.Write(c.out)
	return err
}

// watch interrupts reads when ctx ends, until stop is called. stop waits for the interrupt to finish;
// otherwise the deadline of one query could be set during the next.
func watch(ctx context.Context, conn net.Conn) (stop func()) {
	done := make(chan struct{})
	forget := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = conn.SetReadDeadline(time.Unix(1, 0))
	})
	return func() {
		if !forget() {
			<-done
		}
	}
}
