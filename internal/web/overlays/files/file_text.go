package files

import (
	"cmp"
	"context"
	"net/http"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// fileView is the content of the page of a file of a revision.
type fileView struct {
	filelist.View
	Path    string
	Answer  overlays.FileAnswer
	Text    overlays.Text
	IsText  bool
	Picture bool
}

// overlayFileView returns the page of a file of an overlay.
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
