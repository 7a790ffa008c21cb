package a2s

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// DefaultTimeout bounds a query whose context has no deadline.
const DefaultTimeout = 3 * time.Second

// maxChallenges is how many challenges a query follows before it gives up.
const maxChallenges = 3

// ErrClosed is returned by a client after Close. It is [net.ErrClosed].
var ErrClosed = net.ErrClosed

// Client queries one server over a connected UDP socket: packets from anywhere else never arrive. It sends each
// request once per challenge and doesn't repeat lost ones, since servers drop the packets of those who ask too often
// (more than about 3 per second): ask again later, not faster than once a second. A server that loads a map answers
// nothing for up to a minute.
//
// Queries may run concurrently; they take turns.
type Client struct {
	turn chan struct{} // holds one token; who has it owns the fields below up to mu

	buf       []byte
	out       []byte
	challenge uint32
	stale     bool // the last query failed: its answer may come yet
	split     Assembler

	mu     sync.Mutex // guards conn and closed against Close
	conn   net.Conn
	closed bool
}

// Dial opens a client for addr, "host:port". It sends nothing yet, so that it succeeds also when no server is there.
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

// Close ends the client; a query in progress returns ErrClosed.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	return c.conn.Close()
}

// Info asks for A2S_INFO. All three queries return when ctx ends, with its error; without a deadline in ctx after
// [DefaultTimeout], with [context.DeadlineExceeded]. Packets that aren't the answer are ignored; if the answer came
// but was bad, the error wraps ErrMalformed or ErrTooLarge as well. On the same machine a port where nobody listens
// shows as ECONNREFUSED at once.
func (c *Client) Info(ctx context.Context) (Info, error) {
	return ask(ctx, c, KindInfo, "info", ParseInfo)
}

// Players asks for A2S_PLAYER.
func (c *Client) Players(ctx context.Context) ([]Player, error) {
	return ask(ctx, c, KindPlayers, "players", ParsePlayers)
}

// Rules asks for A2S_RULES. Left 4 Dead 2 servers often don't answer it.
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

// exchange sends a request, follows challenges, and gives replies of the right kind to parse until it takes one.
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
	var bad error // why the last packet that looked like the answer was none
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

// fresh returns the socket. After a query that failed it is a new one: the answer may still be on its way, and on
// the old socket it would be taken for that of the next query, and that one's for the next, for ever.
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

// watch ends reads when ctx ends, until stop is called. Stop waits, for else the deadline of one query could be set
// during the next.
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
