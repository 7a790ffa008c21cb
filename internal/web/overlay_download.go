package web

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// attachment lets a browser keep what is sent under a name, and do nothing else
// with it.
func attachment(w http.ResponseWriter, kind, name string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	// nginx takes 1 GB into a file and then nothing until a slow browser has that:
	// the kernel would end its connection.
	h.Set("X-Accel-Buffering", "no")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// whileLetIn sends a long answer, which is cut off when the session of whoever asked
// for it ends: nobody who was signed out or removed gets the rest.
func (p *panel) whileLetIn(w http.ResponseWriter, r *http.Request, send func(r *http.Request)) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := p.Accounts.Cut(func() error {
		_, err := p.identify(r)
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

// downloadFile sends a file of a revision; a browser can go on where it was cut.
func (p *panel) downloadFile(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	name, err := pathName(r)
	if err != nil {
		return err
	}
	rev, err := wantedRevision(r)
	if err != nil {
		return err
	}
	file := r.FormValue("path")
	of, in := inside(file)
	d, err := p.Downloads.Open(r.Context(), name, rev, of, in)
	if err != nil {
		return err
	}
	defer d.Close()
	p.Log.Info("file downloaded", "overlay", name, "revision", d.Revision, "file", file, "by", who.Name)
	attachment(w, "application/octet-stream", path.Base(file))
	w.Header().Set("ETag", strconv.Quote(fmt.Sprintf("%s-%d-%d", name, d.Revision, d.Size)))
	p.whileLetIn(w, r, func(r *http.Request) { http.ServeContent(w, r, "", time.Time{}, d) })
	return nil
}

// downloadArchive sends all files of a revision. What fails in the middle cuts the
// connection, so that nobody takes half an archive for a whole one.
func (p *panel) downloadArchive(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	name, err := pathName(r)
	if err != nil {
		return err
	}
	rev, err := wantedRevision(r)
	if err != nil {
		return err
	}
	a, err := p.Downloads.Archive(r.Context(), name, rev)
	if err != nil {
		return err
	}
	p.Log.Info("overlay downloaded", "overlay", name, "revision", a.Revision, "by", who.Name)
	attachment(w, "application/zip", fmt.Sprintf("%s-%d.zip", name, a.Revision))
	p.whileLetIn(w, r, func(r *http.Request) {
		if err := a.Write(r.Context(), w); err != nil {
			if _, shown := left4me.Public(err); !shown && r.Context().Err() == nil {
				p.Log.Warn("download", "overlay", name, "err", err)
			}
			panic(http.ErrAbortHandler)
		}
	})
	return nil
}
