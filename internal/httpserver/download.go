package httpserver

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"sync/atomic"
	"time"
)

// Attachment sets the headers of an answer that browsers must save under the given name. A browser
// must never display an uploaded file as a page of the panel.
func Attachment(w http.ResponseWriter, media, name string) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("X-Content-Type-Options", "nosniff")
	// With buffering, nginx stores 1 GB in a file and reads no more until a slow client has
	// received it; the kernel would close the connection.
	h.Set("X-Accel-Buffering", "no")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// Cut watches an answer: when a right ends and check then fails, it calls cut once. stop ends the
// watch and returns once cut cannot be called any more. accounts.Accounts.Cut implements it.
type Cut func(check func() error, cut func()) (stop func())

// SendWhile sends a long answer and aborts it as soon as check fails, so that nobody receives the
// rest after their session, token or right has ended. It then cancels the context of the request
// passed to send, and panics with http.ErrAbortHandler, so that the answer cannot appear complete.
func SendWhile(w http.ResponseWriter, r *http.Request, watch Cut, check func() error, send func(r *http.Request)) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := watch(check, func() {
		cancel()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now()) // also interrupts a blocked write
	})
	defer stop()
	send(r.WithContext(ctx))
	if stop(); ctx.Err() != nil {
		panic(http.ErrAbortHandler)
	}
}

// Generate sends the output of write with a SlowWriter, so the client must keep reading. If write
// fails, Generate panics with http.ErrAbortHandler, which closes the connection: a partial answer
// must not appear complete. It calls failed with errors caused neither by the client nor by the end
// of the request.
func Generate(w http.ResponseWriter, r *http.Request, write func(context.Context, io.Writer) error, failed func(error)) {
	ctx := r.Context()
	err := write(ctx, SlowWriter(ctx, w))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // else it would also apply to the next answer
	if err == nil {
		return
	}
	if ctx.Err() == nil && !errors.Is(err, ErrSlow) {
		failed(err)
	}
	panic(http.ErrAbortHandler)
}

// Content answers with content, or with a range of it, like http.ServeContent. If reading content
// fails, Content panics with http.ErrAbortHandler, which closes the connection. It calls failed
// with the error, which http.ServeContent does not report, unless the request has ended.
func Content(w http.ResponseWriter, r *http.Request, modified time.Time, content io.ReadSeeker, failed func(error)) {
	read := &readErrors{ReadSeeker: content}
	http.ServeContent(w, r, "", modified, read)
	err := read.err.Load()
	if err == nil {
		return
	}
	if r.Context().Err() == nil {
		failed(*err)
	}
	panic(http.ErrAbortHandler)
}

// readErrors records the error that a read of the content returned.
type readErrors struct {
	io.ReadSeeker
	err atomic.Pointer[error] // with several ranges, another goroutine reads
}

func (c *readErrors) Read(b []byte) (int, error) {
	n, err := c.ReadSeeker.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err.Store(&err)
	}
	return n, err
}
