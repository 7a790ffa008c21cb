package shim

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"
)

// Output is written to the log flushAfter after it arrived at the latest, flushSoon after if a reader
// waits for it, and immediately once flushBytes are pending.
const (
	flushAfter = 100 * time.Millisecond
	flushSoon  = 10 * time.Millisecond
	flushBytes = 64 << 10
	retryLog   = time.Second // interval between attempts after a write error
)

// console stores the game's output: the newest part in a ring, everything in the log. Readers only get
// output that is already in the log, so a position stays valid even if the shim is killed immediately
// afterwards. The exception is a log that can't be written: readers then get output that exists only in
// the ring.
type console struct {
	wake chan struct{} // output arrived while nothing was pending
	full chan struct{} // flushBytes or more are pending

	// logMu is held to write the log and to overwrite output that isn't in the log yet. Acquire it
	// before mu.
	logMu   sync.Mutex
	log     *logFile
	failing error
	retryAt time.Time
	lost    int64 // bytes missing from the log and not reported yet

	mu      sync.Mutex
	ring    ring
	logged  int64         // end of the output in the log
	visible int64         // end of the output that readers get
	changed chan struct{} // closed when visible increases
	waiting int
}

// newConsole continues an existing log: the ring starts with the end of the log.
func newConsole(log *logFile, size int) *console {
	end := log.end()
	c := &console{
		wake: make(chan struct{}, 1), full: make(chan struct{}, 1), changed: make(chan struct{}),
		log: log, logged: end, visible: end,
	}
	from := max(0, end-int64(size)/2)
	tail := make([]byte, end-from)
	at, n := log.read(from, end, tail)
	if n == 0 || at+int64(n) != end {
		at, n = end, 0
	}
	c.ring = newRing(size, at)
	c.ring.torn = at > 0
	c.ring.write(tail[:n])
	c.ring.torn = c.ring.torn && n > 0
	return c
}

// run writes the log until ctx ends, then writes the rest.
func (c *console) run(ctx context.Context) {
	timer := time.NewTimer(0)
	<-timer.C
	for {
		select {
		case <-ctx.Done():
			c.logMu.Lock()
			c.retryAt = time.Time{}
			c.flushLocked()
			c.logMu.Unlock()
			return
		case <-c.wake:
		}
		timer.Reset(c.flushDelay())
		select {
		case <-ctx.Done():
		case <-c.full:
		case <-timer.C:
		}
		c.flush()
	}
}

func (c *console) flushDelay() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting > 0 {
		return flushSoon
	}
	return flushAfter
}

// add appends whole lines. It waits for the log only if the ring is full of unlogged output, and not at
// all while the log can't be written.
func (c *console) add(p []byte) {
	for len(p) > 0 {
		part := p[:min(len(p), flushBytes)]
		p = p[len(part):]
		c.mu.Lock()
		if c.fits(len(part)) {
			c.put(part)
			c.mu.Unlock()
			continue
		}
		c.mu.Unlock()
		c.logMu.Lock()
		c.flushLocked()
		c.mu.Lock()
		if !c.fits(len(part)) {
			c.drop(len(part))
		}
		c.put(part)
		c.mu.Unlock()
		c.logMu.Unlock()
	}
}

func (c *console) fits(n int) bool { return c.ring.end+int64(n)-c.logged <= int64(len(c.ring.buf)) }

func (c *console) put(p []byte) {
	before := c.ring.end - c.logged
	c.ring.write(p)
	after := c.ring.end - c.logged
	if before == 0 || c.waiting > 0 {
		signal(c.wake)
	}
	if before < flushBytes && after >= flushBytes {
		signal(c.full)
	}
}

// drop discards unlogged output, up to the end of a line, that would be overwritten by the next n
// bytes.
func (c *console) drop(n int) {
	to := c.ring.lineAt(c.ring.end+int64(n)-int64(len(c.ring.buf)), c.ring.end)
	c.lost += to - c.logged
	c.logged = to
}

func (c *console) flush() {
	c.logMu.Lock()
	defer c.logMu.Unlock()
	c.flushLocked()
}

// flushLocked writes pending output directly from the ring. Only a holder of logMu may overwrite it.
func (c *console) flushLocked() {
	for {
		c.mu.Lock()
		from, to := c.logged, c.ring.end
		first, _ := c.ring.span(from, to)
		c.mu.Unlock()
		if from == to {
			return
		}
		if c.failing != nil && time.Now().Before(c.retryAt) {
			c.advance(from, to)
			return
		}
		n, err := c.log.write(from, first)
		if err != nil {
			c.failing, c.retryAt = err, time.Now().Add(retryLog)
			c.advance(from+int64(n), to)
			time.AfterFunc(retryLog, func() { signal(c.wake) })
			return
		}
		c.advance(from+int64(n), from+int64(n))
		c.recovered()
	}
}

// recovered reports on the console how many bytes are missing from the log.
func (c *console) recovered() {
	if c.failing == nil {
		return
	}
	if c.lost > 0 {
		line := fmt.Appendf(nil, "left4me: %d bytes of the console are not in the log: %v\n", c.lost, c.failing)
		c.mu.Lock()
		if !c.fits(len(line)) {
			c.mu.Unlock()
			return // reported after the next write
		}
		c.ring.write(line)
		c.mu.Unlock()
	}
	c.failing, c.lost = nil, 0
}

func (c *console) advance(logged, visible int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.logged = logged
	if visible <= c.visible {
		return
	}
	c.visible = visible
	if c.waiting > 0 {
		close(c.changed)
		c.changed = make(chan struct{})
	}
}

// position returns the end of the output that readers can get.
func (c *console) position() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.visible
}

// read returns at most max bytes of output after the position after, and waits for some until ctx ends.
// buf is reused for the output if it is large enough.
func (c *console) read(ctx context.Context, after int64, max int, buf []byte) (Chunk, []byte) {
	c.mu.Lock()
	for after >= 0 && after == c.visible && ctx.Err() == nil {
		changed := c.changed
		c.waiting++
		if c.waiting == 1 && c.logged < c.ring.end {
			signal(c.wake)
		}
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		c.mu.Lock()
		c.waiting--
	}
	k := Chunk{After: after, Position: after}
	end := c.visible
	switch {
	case after == end:
		c.mu.Unlock()
		return k, buf[:0]
	case after < 0 || after > end: // the newest output was requested, or the console was restarted
		k.After = c.ring.lineAt(end-int64(max), end)
	case after >= c.ring.start:
	default:
		c.mu.Unlock()
		buf = grow(buf, max)
		if at, n := c.log.read(after, end, buf); n > 0 {
			return Chunk{After: at, Position: at + int64(n), Lost: at - after}, buf[:n]
		}
		c.mu.Lock()
		k.After = c.ring.lineAt(c.ring.start, end)
		k.Lost = k.After - after
	}
	to := min(k.After+int64(max), end)
	buf = c.ring.append(buf[:0], k.After, to)
	c.mu.Unlock()
	if to < end {
		if i := bytes.LastIndexByte(buf, '\n'); i >= 0 {
			buf = buf[:i+1]
		}
	}
	k.Position = k.After + int64(len(buf))
	return k, buf
}

// last returns the newest lines: at most n, and none from before the position from.
func (c *console) last(n int, from int64) [][]byte {
	c.flush()
	k, raw := c.read(context.Background(), -1, 64<<10, nil)
	if k.After < from && k.Position > from {
		raw = raw[from-k.After:]
	} else if k.Position <= from {
		return nil
	}
	lines := bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
	return lines[max(0, len(lines)-n):]
}

func (c *console) close() {
	c.logMu.Lock()
	defer c.logMu.Unlock()
	c.log.close()
}

func grow(buf []byte, n int) []byte {
	if cap(buf) < n {
		return make([]byte, n)
	}
	return buf[:n]
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
