package httpserver

import (
	"context"
	"mime"
	"net/http"
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
