package files

import (
	"fmt"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
)

// downloadFile sends a file of a revision; a browser can go on where it was cut.
func (p *Pages) downloadFile(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	rev, err := overlay.WantedRevision(r)
	if err != nil {
		return err
	}
	file := r.FormValue("path")
	of, in := filelist.SplitVPK(file)
	d, err := p.Downloads.Open(r.Context(), name, rev, of, in)
	if err != nil {
		return err
	}
	defer d.Close()
	p.Panel.Log.InfoContext(r.Context(), "file downloaded", "overlay", name, "revision", d.Revision, "file", file, "by", who.Name)
	httpserver.Attachment(w, "application/octet-stream", path.Base(file))
	w.Header().Set("ETag", strconv.Quote(fmt.Sprintf("%s-%d-%d", name, d.Revision, d.Size)))
	p.Panel.WhileSignedIn(w, r, who, func(r *http.Request) { http.ServeContent(w, r, "", time.Time{}, d) })
	return nil
}

// downloadArchive sends all files of a revision. What fails in the middle cuts the
// connection, so that nobody takes half an archive for a whole one.
func (p *Pages) downloadArchive(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	rev, err := overlay.WantedRevision(r)
	if err != nil {
		return err
	}
	a, err := p.Downloads.Archive(r.Context(), name, rev)
	if err != nil {
		return err
	}
	p.Panel.Log.InfoContext(r.Context(), "overlay downloaded", "overlay", name, "revision", a.Revision, "by", who.Name)
	httpserver.Attachment(w, "application/zip", fmt.Sprintf("%s-%d.zip", name, a.Revision))
	p.Panel.WhileSignedIn(w, r, who, func(r *http.Request) {
		if err := a.Write(r.Context(), w); err != nil {
			if _, shown := left4me.Public(err); !shown && r.Context().Err() == nil {
				p.Panel.Log.WarnContext(r.Context(), "download", "overlay", name, "err", err)
			}
			panic(http.ErrAbortHandler)
		}
	})
	return nil
}
