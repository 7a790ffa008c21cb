package httpserver

import (
	"bytes"
	"net/http"
	"time"
)

// eventWithin is how long a write may block before the stream ends. The client reconnects with
// Last-Event-ID and receives the events that it missed.
const eventWithin = 20 * time.Second

// Events writes server-sent events (HTML standard, 9.2) to one client. It is not safe for
// concurrent use.
type Events struct {
	w   http.ResponseWriter
	c   *http.ResponseController
	buf bytes.Buffer
}

// NewEvents starts an event stream: it writes the header of the answer.
func NewEvents(w http.ResponseWriter) *Events {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no") // nginx would buffer events
	w.WriteHeader(http.StatusOK)
	return &Events{w: w, c: http.NewResponseController(w)}
}

// Send writes an event. If id is empty, the client keeps the last id. data may have several lines;
// carriage returns are removed, because they would end a line, too.
func (e *Events) Send(id, name string, data []byte) error {
	if id != "" {
		e.buf.WriteString("id: " + id + "\n")
	}
	e.buf.WriteString("event: " + name + "\n")
	for line := range bytes.SplitSeq(bytes.ReplaceAll(data, []byte("\r"), nil), []byte("\n")) {
		e.buf.WriteString("data: ")
		e.buf.Write(line)
		e.buf.WriteByte('\n')
	}
	e.buf.WriteByte('\n')
	return e.flush()
}

// Comment writes a comment, which clients ignore. It keeps the connection active, so that neither
// side nor a proxy closes it as idle.
func (e *Events) Comment(text string) error {
	e.buf.WriteString(": " + text + "\n\n")
	return e.flush()
}

func (e *Events) flush() error {
	// Not every writer supports deadlines; without one, a slow client is not bounded.
	_ = e.c.SetWriteDeadline(time.Now().Add(eventWithin))
	_, err := e.w.Write(e.buf.Bytes())
	e.buf.Reset()
	if err != nil {
		return err
	}
	return e.c.Flush()
}

// End removes the deadline of the last event, because the connection is reused for other requests.
func (e *Events) End() { _ = e.c.SetWriteDeadline(time.Time{}) }
