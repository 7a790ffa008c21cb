package files

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// contentsView is the files of an overlay.
func (p *Pages) contentsView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	o, err := p.Overlay.Page(r, who, name, "contents")
	if err != nil {
		return page.View{}, err
	}
	rev, err := overlay.WantedRevision(r)
	if err != nil {
		return page.View{}, err
	}
	files := page.LazyPart("overlay-files", func(ctx context.Context) (templ.Component, error) {
		q := r.URL.Query()
		var v filelist.View
		err := p.Overlay.Read(ctx, &o, func(o overlay.Page) (err error) {
			v = filelist.View{
				Revision: cmp.Or(rev, o.Content.Current),
				Dir:      strings.Trim(q.Get("dir"), "/"),
				Query:    strings.TrimSpace(q.Get("q")),
				Base:     page.OverlayPath(o.Name),
			}
			v.Current = v.Revision == o.Content.Current
			if v.Revision > 0 && !o.Aside() {
				v.Page, err = p.Overlays.Revisions().Tree(ctx, o.Name, v.Revision,
					left4me.Filter{Dir: v.Dir, Query: v.Query, After: q.Get("after"), Limit: filelist.PageSize})
			}
			if e, ok := page.Public(who, err); ok && e.Kind == left4me.Unavailable {
				v.Problem, err = format.ErrorLine(e), nil
			}
			return err
		})
		return overlayFiles(o, v), err
	}, page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	return p.Overlay.View(r, who, o, files), nil
}

// fileView is one file of a revision.
type fileView struct {
	filelist.View
	Path    string
	Answer  overlays.FileAnswer
	Text    overlays.Text
	IsText  bool
	Picture bool
}

// overlayFileView is one file of an overlay.
func (p *Pages) overlayFileView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	o, err := p.Overlay.Page(r, who, name, "contents")
	if err != nil {
		return page.View{}, err
	}
	rev, err := overlay.WantedRevision(r)
	if err != nil {
		return page.View{}, err
	}
	text := page.LazyPart("overlay-file", func(ctx context.Context) (templ.Component, error) {
		v := fileView{
			Path: r.URL.Query().Get("path"),
			View: filelist.View{Revision: cmp.Or(rev, o.Content.Current), Base: page.OverlayPath(o.Name)},
		}
		v.Current = v.Revision == o.Content.Current
		var err error
		if v.Answer, err = p.Overlay.File(ctx, o.Name, v.Revision, v.Path); err != nil {
			return nil, err
		}
		v.Picture = filelist.PictureOf(v.Path) != "" && len(v.Answer.Data) > 0
		if v.Text, v.IsText, err = p.Overlays.TextOf(ctx, v.Answer.Data); err != nil {
			return nil, err
		}
		v.IsText = v.IsText && !v.Picture && (v.Answer.Size == 0 || len(v.Answer.Data) > 0)
		return overlayFile(o, v), nil
	}, page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	return p.Overlay.View(r, who, o, text), nil
}

// showPicture sends a picture of a revision. It is nothing but a picture to a
// browser, whatever is in it.
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
	h.Set("Cache-Control", "private, no-cache") // asked for each time: not after signing out
	h.Set("ETag", strconv.Quote(page.Digest(a.Data)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.Data))
	return nil
}

// fileName is a file as a list shows it: its name in its directory, or its path
// where a search found it.
func fileName(v filelist.View, t left4me.TreeFile) string {
	if v.Query != "" {
		return t.Path
	}
	return path.Base(t.Path)
}

// newFileIn is what a new text file in a directory begins its path with.
func newFileIn(dir string) string {
	if file, _ := filelist.SplitVPK(dir + "/"); dir == "" || file != dir+"/" {
		return "left4dead2/cfg/new.cfg"
	}
	return dir + "/new.cfg"
}
