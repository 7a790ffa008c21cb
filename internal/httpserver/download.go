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

// Attachment says that an answer of this media type is a file to keep under a name: no
// browser shall show what people uploaded as a page of ours.
func Attachment(w http.ResponseWriter, media, name string) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("X-Content-Type-Options", "nosniff")
	// nginx takes 1 GB into a file and then nothing until a slow client has that:
	// the kernel would end its connection.
	h.Set("X-Accel-Buffering", "no")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// Cut watches over an answer: it calls cut, once, when check fails after a right has
// ended. stop ends that, and returns when cut is not called any more. It is
// accounts.Accounts.Cut.
type Cut func(check func() error, cut func()) (stop func())

// SendWhile sends a long answer as long as check passes, and cuts it off then: nobody
// whose session, token or right has ended gets the rest. The context of the request
// that send is given ends with that. It panics with http.ErrAbortHandler when the
// answer was cut off, which must not look whole.
func SendWhile(w http.ResponseWriter, r *http.Request, watch Cut, check func() error, send func(r *http.Request)) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := watch(check, func() {
		cancel()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now()) // a write that waits ends too
	})
	defer stop()
	send(r.WithContext(ctx))
	if stop(); ctx.Err() != nil {
		panic(http.ErrAbortHandler)
	}
}

// Generate answers with what write writes, as long as the client goes on reading it, as
// SlowWriter says. When write fails the connection is cut, by a panic with
// http.ErrAbortHandler: half of it must not look whole. failed is told of an error that
// is neither the client's nor the end of its request.
func Generate(w http.ResponseWriter, r *http.Request, write func(context.Context, io.Writer) error, failed func(error)) {
	ctx := r.Context()
	err := write(ctx, SlowWriter(ctx, w))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // it would be that of the next answer too
	if err == nil {
		return
	}
	if ctx.Err() == nil && !errors.Is(err, ErrSlow) {
		failed(err)
	}
	panic(http.ErrAbortHandler)
}

// Content answers with content as http.ServeContent does, or with a part of it. When
// reading it fails the connection is cut, by a panic with http.ErrAbortHandler, and
// failed is told of an error that is not the end of the request: http.ServeContent says
// nothing of it.
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

// readErrors keeps the error that content couldn't be read for.
type readErrors struct {
	io.ReadSeeker
	err atomic.Pointer[error] // several parts are read by another goroutine
}

func (c *readErrors) Read(b []byte) (int, error) {
	n, err := c.ReadSeeker.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err.Store(&err)
	}
	return n, err
}
