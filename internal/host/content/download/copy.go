package download

import (
	"context"
	"errors"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	largeChunk     = 1 << 20
	smallChunk     = 16 << 10
	checkDiskEvery = 32 << 20 // bytes between checks of the free space
	slowest        = 1 << 10  // bytes per second; slower transfers count as stalled
	maxQueued      = 4        // chunks that may wait to be hashed
)

var errStalled = errors.New("nothing came")

// chunk returns the number of bytes to read at once: 1 MiB, or with a rate limit the bytes of 0.1
// s, so that concurrent downloads take turns.
func (c *Client) chunk() int {
	if c.o.Rate == 0 {
		return largeChunk
	}
	return int(min(max(c.o.Rate/10, smallChunk), largeChunk))
}

// copy writes the body of a response to the part.
func (d *transfer) copy(ctx context.Context, cancel context.CancelCauseFunc, body io.Reader) error {
	w := newWatch(d.o.Stall, func() { cancel(errStalled) })
	defer w.stop()
	s := d.part.summing()
	defer s.end()
	for flushed := d.part.size; ; {
		b := s.buffer(d.chunk())
		w.listen()
		n, err := body.Read(b)
		w.received(n)
		if n > 0 {
			if err := d.receive(ctx, b[:n]); err != nil {
				return err
			}
			s.add(b[:n])
			if d.part.size-flushed >= checkDiskEvery {
				// Start writing to disk now, rather than all at the end.
				_ = unix.SyncFileRange(int(d.part.f.Fd()), flushed, d.part.size-flushed, unix.SYNC_FILE_RANGE_WRITE)
				flushed = d.part.size
				if err := d.checkSpace(max(0, d.Size-d.part.size)); err != nil {
					return err
				}
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(context.Cause(ctx), errStalled):
			return &temporary{cause: Stalled, err: errStalled}
		case err != nil && ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return &temporary{cause: Cut, err: err}
		}
	}
}

// receive writes received bytes to the part, then blocks as long as the rate limit requires.
func (d *transfer) receive(ctx context.Context, b []byte) error {
	d.res.Fetched += int64(len(b))
	most := d.Size
	if most == 0 {
		most = d.Limit
	}
	if now := d.part.size + int64(len(b)); most > 0 && now > most {
		return d.checkSize(now)
	}
	if err := d.part.write(b); err != nil {
		return d.diskError(err)
	}
	if err := d.checkHead(false); err != nil {
		return err
	}
	d.meter.at(d.part.size)
	if d.limit == nil {
		return nil
	}
	if err := d.limit.WaitN(ctx, len(b)); err != nil {
		return context.Cause(ctx)
	}
	return nil
}

// checkSpace returns an error if writing more bytes would use the margin that must stay free.
func (d *transfer) checkSpace(more int64) error {
	path := d.part.f.Name()
	free, margin, err := disk.Room(path)
	if err == nil && free-more < margin {
		err = noRoom(path, more+margin, nil)
	}
	return err
}

// watch ends a transfer that receives nothing, or hardly anything, for too long. Only time spent
// waiting for data counts, not delays by the rate limit.
type watch struct {
	most  time.Duration
	quiet time.Duration // waiting time since the transfer was last fast enough
	bytes int64         // bytes received in that time
	since time.Time
	timer *time.Timer
}

func newWatch(most time.Duration, end func()) *watch {
	w := &watch{most: most, timer: time.AfterFunc(time.Hour, end)}
	w.timer.Stop()
	return w
}

func (w *watch) listen() {
	w.since = time.Now()
	w.timer.Reset(max(time.Millisecond, w.most-w.quiet))
}

func (w *watch) received(n int) {
	w.timer.Stop()
	w.quiet += time.Since(w.since)
	if w.bytes += int64(n); n > 0 && w.bytes >= slowest*int64(w.quiet/time.Second+1) {
		w.quiet, w.bytes = 0, 0
	}
}

func (w *watch) stop() { w.timer.Stop() }

// summing hashes written bytes in a separate goroutine.
type summing struct {
	p    *part
	free chan []byte
	work chan []byte
	done chan struct{}
}

func (p *part) summing() *summing {
	s := &summing{p: p, free: make(chan []byte, maxQueued)}
	if p.sum == nil {
		s.free <- nil
		return s
	}
	for range maxQueued {
		s.free <- nil
	}
	s.work, s.done = make(chan []byte, maxQueued), make(chan struct{})
	go func() {
		defer close(s.done)
		for b := range s.work {
			p.sum.hash.Write(b)
			p.sum.at += int64(len(b))
			s.free <- b[:cap(b)]
		}
	}()
	return s
}

// buffer returns a free buffer and blocks until there is one.
func (s *summing) buffer(size int) []byte {
	b := <-s.free
	if len(b) < size {
		b = make([]byte, size)
	}
	return b
}

// add hashes written bytes. The caller must not use the buffer afterwards.
func (s *summing) add(b []byte) {
	if s.work == nil {
		s.free <- b[:cap(b)]
		return
	}
	s.work <- b
}

// end blocks until everything is hashed.
func (s *summing) end() {
	if s.work != nil {
		close(s.work)
		<-s.done
	}
}

// meter reports the progress and rate of a transfer.
type meter struct {
	progress func(left4me.Progress)
	total    int64
	reported time.Time

	from   int64 // bytes done at the start of the window for measuring the rate
	since  time.Time
	smooth float64
}

const (
	reportEvery = 200 * time.Millisecond
	rateWindow  = 500 * time.Millisecond
)

func (m *meter) begin(done, total int64) {
	m.total, m.from, m.since = total, done, time.Now()
	m.report(done)
}

func (m *meter) at(done int64) {
	now := time.Now()
	if passed := now.Sub(m.since); passed >= rateWindow {
		speed := float64(done-m.from) / passed.Seconds()
		if m.smooth == 0 {
			m.smooth = speed
		}
		m.smooth += (speed - m.smooth) * min(1, passed.Seconds()/3)
		m.from, m.since = done, now
	}
	if now.Sub(m.reported) >= reportEvery {
		m.report(done)
	}
}

func (m *meter) end(done int64) {
	m.total = done
	m.report(done)
}

func (m *meter) report(done int64) {
	m.reported = time.Now()
	if m.progress != nil {
		m.progress(left4me.Progress{Done: done, Total: m.total, Unit: "bytes", Rate: int64(m.smooth)})
	}
}
