package shim

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

// answerTime limits the wait for an answer that should come immediately, and writeTime a write.
// emptyPause is the minimum time between two empty answers to a call that waits.
const (
	answerTime = 5 * time.Second
	writeTime  = 2 * time.Second
	emptyPause = 250 * time.Millisecond
)

// Client talks to the shim of one server. It trusts no answer, because a plugin of the game may have
// taken the shim's place: answers are limited in size and time, and a position is meaningful only to
// the shim that returned it.
//
// Its methods may be called concurrently; each waiting call uses a separate connection. A client
// survives a restart of the shim.
type Client struct {
	path string

	mu     sync.Mutex
	idle   []*conn
	pid    int
	closed bool
}

// Dial connects to the shim that listens at path. If there is none, the error is left4me.Unavailable.
func Dial(ctx context.Context, path string) (*Client, error) {
	c := &Client{path: path}
	first, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	c.put(first)
	return c, nil
}

// Close closes the idle connections. Calls in progress end with their contexts.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, cn := range c.idle {
		cn.Close()
	}
	c.idle = nil
	return nil
}

// PID returns the ID of the process that listens on the socket, as reported by the kernel.
func (c *Client) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pid
}

// Status returns the server's current status.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return c.status(ctx, request{Verb: verbStatus}, 0)
}

// Watch returns the status as soon as its revision differs from rev, or unchanged after MaxWait.
func (c *Client) Watch(ctx context.Context, rev int64) (Status, error) {
	start := time.Now()
	q := request{Verb: verbWatch, Rev: rev, Wait: MaxWait.Milliseconds()}
	s, err := c.status(ctx, q, MaxWait)
	if err == nil && s.Rev == rev {
		err = pause(ctx, start, MaxWait)
	}
	return s, err
}

// Read returns console output after the given position, or the newest output if after is negative. If
// there is none, Read waits up to wait (at most MaxWait) and may return an empty chunk. If the chunk
// starts after the given position without Lost, or before it, the console was restarted.
func (c *Client) Read(ctx context.Context, after int64, wait time.Duration, max int) (Chunk, error) {
	start := time.Now()
	wait = min(wait, MaxWait)
	q := request{Verb: verbRead, After: after, Wait: wait.Milliseconds(), Max: max}
	if q.Max < minChunk {
		q.Max = minChunk
	}
	q.Max = min(q.Max, MaxChunk)
	a, raw, err := c.call(ctx, q, wait)
	if err != nil {
		return Chunk{}, fmt.Errorf("read console: %w", err)
	}
	k := Chunk{After: a.After, Position: a.Position, Lost: a.Lost, Lines: raw}
	if k.After < 0 || k.Lost < 0 || k.Position < k.After || k.Position-k.After != int64(len(raw)) {
		return Chunk{}, fmt.Errorf("read console: %w: positions do not fit", errAnswer)
	}
	if raw == "" && wait > 0 {
		err = pause(ctx, start, wait)
	}
	return k, err
}

// Write enters a line on the console. Control characters are refused with left4me.Invalid. The game may
// not have read the line yet when Write returns.
func (c *Client) Write(ctx context.Context, line string) error {
	if err := checkCommand(line); err != nil {
		return err
	}
	if _, _, err := c.call(ctx, request{Verb: verbWrite, Line: line}, 0); err != nil {
		return fmt.Errorf("write console: %w", err)
	}
	return nil
}

// Stop starts the stop sequence. It doesn't wait until the server has ended.
func (c *Client) Stop(ctx context.Context) error {
	if _, _, err := c.call(ctx, request{Verb: verbStop}, 0); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

func (c *Client) status(ctx context.Context, q request, wait time.Duration) (Status, error) {
	a, _, err := c.call(ctx, q, wait)
	if err != nil {
		return Status{}, fmt.Errorf("%s of shim: %w", q.Verb, err)
	}
	if a.Status == nil {
		return Status{}, fmt.Errorf("%s of shim: %w: no status", q.Verb, errAnswer)
	}
	return *a.Status, a.Status.check()
}

// pause keeps callers from spinning when a shim returns an empty answer too early.
func pause(ctx context.Context, start time.Time, wait time.Duration) error {
	d := min(emptyPause, wait-time.Since(start))
	if d <= 0 {
		return nil
	}
	if sleep.For(ctx, d) != nil {
		return ctx.Err()
	}
	return nil
}

var errAnswer = errors.New("bad answer from the shim")

// call sends q and reads the answer. The shim may have closed an idle connection in the meantime; then
// call retries on a new one. Commands always use a new connection, because a retry could enter them
// twice.
func (c *Client) call(ctx context.Context, q request, wait time.Duration) (answer, string, error) {
	var cn *conn
	if q.Verb != verbWrite {
		cn = c.take()
	}
	if cn != nil {
		a, raw, err := cn.exchange(ctx, q, wait)
		if !errors.Is(err, errStale) {
			return c.done(cn, a, raw, err)
		}
		cn.Close()
	}
	cn, err := c.connect(ctx)
	if err != nil {
		return answer{}, "", err
	}
	a, raw, err := cn.exchange(ctx, q, wait)
	return c.done(cn, a, raw, err)
}

func (c *Client) done(cn *conn, a answer, raw string, err error) (answer, string, error) {
	if err != nil {
		cn.Close()
		return answer{}, "", err
	}
	c.put(cn)
	if a.Error != nil {
		return answer{}, "", a.Error
	}
	return a, raw, nil
}

func (c *Client) take() *conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) == 0 {
		return nil
	}
	cn := c.idle[len(c.idle)-1]
	c.idle = c.idle[:len(c.idle)-1]
	return cn
}

func (c *Client) put(cn *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.idle) >= 2 {
		cn.Close()
		return
	}
	c.idle = append(c.idle, cn)
}

// connect opens the socket without following a symbolic link and connects to it by descriptor. A user
// with write access to the directory could create a link to another socket there, and the path may be
// longer than a socket address allows.
func (c *Client) connect(ctx context.Context) (*conn, error) {
	fd, err := unix.Open(c.path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, unreachable(c.path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, unreachable(c.path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil, unreachable(c.path, errors.New("not a socket"))
	}
	d := net.Dialer{Timeout: answerTime}
	nc, err := d.DialContext(ctx, "unix", "/proc/self/fd/"+strconv.Itoa(fd))
	if err != nil {
		return nil, unreachable(c.path, err)
	}
	if cred, err := peer(nc.(*net.UnixConn)); err == nil {
		c.mu.Lock()
		c.pid = int(cred.Pid)
		c.mu.Unlock()
	}
	return &conn{Conn: nc, r: bufio.NewReaderSize(nc, 4<<10)}, nil
}

func unreachable(path string, err error) error {
	e := left4me.NewError(left4me.Unavailable, "shim.not_running")
	if errors.Is(err, fs.ErrPermission) {
		e = left4me.NewError(left4me.Unavailable, "shim.socket_denied")
	}
	return e.Because(fmt.Errorf("dial %s: %w", path, err))
}

// peer returns the credentials of the process at the other end, as reported by the kernel.
func peer(c *net.UnixConn) (*unix.Ucred, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	var errOpt error
	err = raw.Control(func(fd uintptr) {
		cred, errOpt = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	return cred, errors.Join(err, errOpt)
}

// conn is one connection, used by one call at a time.
type conn struct {
	net.Conn
	r *bufio.Reader
}

// errStale means that the shim closed the connection before it received the request.
var errStale = errors.New("the shim closed the connection")

func (cn *conn) exchange(ctx context.Context, q request, wait time.Duration) (answer, string, error) {
	cn.SetDeadline(time.Now().Add(wait + answerTime))
	stop := context.AfterFunc(ctx, func() { cn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	a, raw, err := cn.roundTrip(q)
	if ctx.Err() != nil && (err != nil || !stop()) {
		return answer{}, "", ctx.Err()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = left4me.NewError(left4me.Unavailable, "shim.no_answer").Because(err)
	}
	return a, raw, err
}

func (cn *conn) roundTrip(q request) (answer, string, error) {
	line, err := json.Marshal(q)
	if err != nil {
		return answer{}, "", err
	}
	if _, err := cn.Write(append(line, '\n')); err != nil {
		return answer{}, "", errors.Join(errStale, err)
	}
	line, err = readLine(cn.r, maxAnswer)
	if err != nil {
		if len(line) == 0 && !errors.Is(err, os.ErrDeadlineExceeded) {
			err = errors.Join(errStale, err)
		}
		return answer{}, "", err
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return answer{}, "", fmt.Errorf("%w: %v", errAnswer, err)
	}
	if a.Bytes < 0 || a.Bytes > q.Max {
		return answer{}, "", fmt.Errorf("%w: %d bytes", errAnswer, a.Bytes)
	}
	raw := make([]byte, a.Bytes)
	if _, err := io.ReadFull(cn.r, raw); err != nil {
		return answer{}, "", err
	}
	return a, string(raw), nil
}

// readLine reads up to a line feed and returns the line without it. A line longer than limit bytes is
// an error; no more than that is buffered.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > limit {
			return nil, fmt.Errorf("%w: line longer than %d bytes", errAnswer, limit)
		}
		if err == nil {
			return bytes.TrimSuffix(line, []byte("\n")), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
