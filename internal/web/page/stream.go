package page

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	// beatEvery is the time between heartbeats of a stream.
	beatEvery = 15 * time.Second
	// writeWithin is how long a browser may be slow before its stream ends. It
	// comes back by itself and sees what it missed.
	writeWithin = 20 * time.Second
)

// Event is one message of a stream: html replaces the elements with the ids
// that it holds, console adds to the console.
type Event struct {
	Name string
	ID   string // position to resume behind
	Data []byte
}

// Feed gives events until ctx ends. A send waits while the browser is slow;
// what changed meanwhile is then one change.
type Feed func(ctx context.Context, send func(Event)) error

// stream sends the events of all feeds to one browser until it goes, its
// session ends or a feed fails. Errors, before the first byte: left4me.Busy when
// the session has too many streams.
func (p *Panel) stream(w http.ResponseWriter, r *http.Request, feeds ...Feed) error {
	end, err := p.Accounts.Stream(p.Sessions.Secret(r))
	if err != nil {
		return err
	}
	defer end()
	ctx, cancel := context.WithCancel(r.Context())
	events := make(chan Event)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	for _, f := range feeds {
		work.Go(func() {
			defer cancel()
			send := func(e Event) {
				select {
				case events <- e:
				case <-ctx.Done():
				}
			}
			if err := f(ctx, send); err != nil && ctx.Err() == nil {
				p.Log.Warn("stream", "path", r.URL.Path, "err", err)
			}
		})
	}
	out, done := outlet(w)
	defer done()
	ended := p.Accounts.Ended()
	err = out.send(Event{Name: "beat"})
	if _, denied := p.Sessions.Identify(r); denied != nil { // ended before it was waited for
		return nil
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for err == nil {
		select {
		case e := <-events:
			err = out.send(e)
		case <-beat.C:
			// A session that has ended sees nothing more.
			if _, denied := p.Sessions.Identify(r); denied != nil {
				return nil
			}
			err = out.send(Event{Name: "beat"})
		case <-ended:
			ended = p.Accounts.Ended()
			if _, denied := p.Sessions.Identify(r); denied != nil {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
	return nil // the browser has gone
}

// outlet is where the events of a stream go: over a connection of its own, or as
// part of a stream that several pages share.
func outlet(w http.ResponseWriter) (out interface{ send(Event) error }, done func()) {
	if c, ok := w.(carried); ok {
		return c, func() {}
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no") // nginx would collect events
	w.WriteHeader(http.StatusOK)
	s := &sse{w: w, c: http.NewResponseController(w)}
	return s, func() { _ = s.c.SetWriteDeadline(time.Time{}) } // the connection goes on to other requests
}

// sse writes server-sent events.
type sse struct {
	w   http.ResponseWriter
	c   *http.ResponseController
	buf bytes.Buffer
}

func (s *sse) send(e Event) error {
	s.buf.Reset()
	if e.ID != "" {
		s.buf.WriteString("id: " + e.ID + "\n")
	}
	s.buf.WriteString("event: " + e.Name + "\n")
	// A carriage return would end a line too.
	for line := range bytes.SplitSeq(bytes.ReplaceAll(e.Data, []byte("\r"), nil), []byte("\n")) {
		s.buf.WriteString("data: ")
		s.buf.Write(line)
		s.buf.WriteByte('\n')
	}
	s.buf.WriteByte('\n')
	// Not every writer has deadlines; then the browser's slowness is not bounded.
	_ = s.c.SetWriteDeadline(time.Now().Add(writeWithin))
	if _, err := s.w.Write(s.buf.Bytes()); err != nil {
		return err
	}
	return s.c.Flush()
}
