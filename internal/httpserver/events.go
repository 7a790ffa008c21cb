package httpserver

import (
	"bytes"
	"net/http"
	"time"
)

// eventWithin is how long a client may be slow before its stream ends. It comes back
// with Last-Event-ID and gets what it missed.
const eventWithin = 20 * time.Second

// Events writes server-sent events (the HTML standard, 9.2) to one client. It is not
// safe for concurrent use.
type Events struct {
	w   http.ResponseWriter
	c   *http.ResponseController
	buf bytes.Buffer
}

// NewEvents begins a stream of events: it writes the head of the answer.
func NewEvents(w http.ResponseWriter) *Events {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no") // nginx would collect events
	w.WriteHeader(http.StatusOK)
	return &Events{w: w, c: http.NewResponseController(w)}
}

// Send writes an event. Without an id the client keeps the last one. data may have
// several lines; carriage returns in it are left out, since they would end a line too.
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

// Comment writes what no client shows: it keeps the connection busy, so that neither
// side nor anything between them takes it for dead.
func (e *Events) Comment(text string) error {
	e.buf.WriteString(": " + text + "\n\n")
	return e.flush()
}

func (e *Events) flush() error {
	// Not every writer has deadlines; then the client's slowness is not bounded.
	_ = e.c.SetWriteDeadline(time.Now().Add(eventWithin))
	_, err := e.w.Write(e.buf.Bytes())
	e.buf.Reset()
	if err != nil {
		return err
	}
	return e.c.Flush()
}

// End takes the deadline of the last event back: the connection goes on to other
// requests.
func (e *Events) End() { _ = e.c.SetWriteDeadline(time.Time{}) }
