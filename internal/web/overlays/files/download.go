package files

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/downloads"
	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
)

// downloadFile sends a file of a revision. Browsers can resume an interrupted download, since
// the ETag names the revision.
func (p *Pages) downloadFile(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	layer, err := p.layer(r, name)
	if err != nil {
		return err
	}
	file := r.FormValue("path")
	var content io.ReadSeeker
	var size int64
	if of, in := filelist.SplitVPK(file); in != "" {
		b, err := layer.Inside(r.Context(), of, in)
		if err != nil {
			return err
		}
		content, size = b, b.Size()
	} else {
		f, err := layer.File(r.Context(), of)
		if err != nil {
			return err
		}
		defer f.Close()
		content, size = f, f.Info().Size
	}
	p.Panel.Log.InfoContext(r.Context(), "file downloaded", "overlay", name, "revision", layer.Number, "file", file, "by", who.Name)
	httpserver.Attachment(w, "application/octet-stream", path.Base(file))
	w.Header().Set("ETag", strconv.Quote(fmt.Sprintf("%s-%d-%d", name, layer.Number, size)))
	p.Panel.WhileSignedIn(w, r, who, func(r *http.Request) {
		httpserver.Content(w, r, time.Time{}, content, func(err error) {
			p.Panel.Log.ErrorContext(r.Context(), "download of a file", "overlay", name, "revision", layer.Number, "file", file, "err", err)
		})
	})
	return nil
}

// layer opens the revision that a request names. Errors: left4me.NotFound.
func (p *Pages) layer(r *http.Request, name left4me.Name) (*downloads.Revision, error) {
	rev, err := overlay.WantedRevision(r)
	if err != nil {
		return nil, err
	}
	return p.Downloads.Open(r.Context(), name, rev)
}

// downloadArchive sends all files of a revision as a zip archive. A failure while the archive
// is being sent closes the connection, so that browsers report an incomplete download.
func (p *Pages) downloadArchive(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	layer, err := p.layer(r, name)
	if err != nil {
		return err
	}
	archive, err := layer.Archive(r.Context(), "zip")
	if err != nil {
		return err
	}
	p.Panel.Log.InfoContext(r.Context(), "overlay downloaded", "overlay", name, "revision", layer.Number, "by", who.Name)
	httpserver.Attachment(w, "application/zip", fmt.Sprintf("%s-%d.zip", name, layer.Number))
	p.Panel.WhileSignedIn(w, r, who, func(r *http.Request) {
		httpserver.Generate(w, r, archive.Write, func(err error) {
			p.Panel.Log.ErrorContext(r.Context(), "download of a revision", "overlay", name, "revision", layer.Number, "err", err)
		})
	})
	return nil
}
