package page

import (
	"context"
	"mime"
	"net/http"
	"time"
)

// Attachment lets a browser keep what is sent under a name, and do nothing else
// with it.
func Attachment(w http.ResponseWriter, kind, name string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	// nginx takes 1 GB into a file and then nothing until a slow browser has that:
	// the kernel would end its connection.
	h.Set("X-Accel-Buffering", "no")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// WhileSignedIn sends a long answer, which is cut off when the session of whoever asked
// for it ends: nobody who was signed out or removed gets the rest.
func (p *Panel) WhileSignedIn(w http.ResponseWriter, r *http.Request, send func(r *http.Request)) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := p.Accounts.Cut(func() error {
		_, err := p.Sessions.Identify(r)
		return err
	}, func() {
		cancel()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now()) // a write that waits ends too
	})
	defer stop()
	send(r.WithContext(ctx))
	if stop(); ctx.Err() != nil {
		panic(http.ErrAbortHandler) // it must not look whole
	}
}
