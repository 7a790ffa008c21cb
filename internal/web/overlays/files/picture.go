package files

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// showPicture sends a picture of a revision. The detected type must match the extension, and
// the headers forbid scripts, so that a browser treats the file as a picture only.
func (p *Pages) showPicture(w http.ResponseWriter, r *http.Request, _ accounts.Actor, name left4me.Name) error {
	rev, err := overlay.WantedRevision(r)
	if err != nil {
		return err
	}
	file := r.FormValue("path")
	kind := filelist.PictureOf(file)
	if kind == "" {
		return page.ErrNoPage
	}
	a, err := p.Overlay.File(r.Context(), name, rev, file)
	if err != nil {
		return err
	}
	if http.DetectContentType(a.Data) != kind {
		return page.ErrNoPage
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private,no-cache") // revalidated each time, so that it is not shown after logging out
	h.Set("ETag", strconv.Quote(page.Digest(a.Data)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.Data))
	return nil
}
