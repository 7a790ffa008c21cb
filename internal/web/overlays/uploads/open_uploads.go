package uploads

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// listView lists the uploads that were begun and not published: one's own, and
// everybody's for an administrator.
func (p *Pages) listView(r *http.Request, who accounts.Actor) (page.View, error) {
	all := page.LazyPart("open-uploads", func(ctx context.Context) (templ.Component, error) {
		open, err := p.Uploads.List(ctx, who)
		open = accounts.Visible(who, open, func(u uploads.Upload) left4me.Target { return left4me.OnOverlay(u.Overlay) })
		return uploadList(open, who.Name), err
	}, page.OnUploads(), page.OnEnds(left4me.BuildOverlay.Noun()))
	encoding, err := p.Overlays.ArchiveNames(r.Context())
	if err != nil {
		return page.View{}, err
	}
	f := p.Panel.Frame(r, who, "Uploads", "overlays")
	names := p.Panel.Form(r, "names", namesSetting(encoding, f.May(accounts.SiteRight, left4me.Site)), page.OnContent())
	return page.View{Frame: f, Body: []page.Piece{page.Fixed(uploadsHead()), all, names}}, nil
}

// uploadOf says for what an upload was begun, and by whom if that is somebody else.
func uploadOf(u uploads.Upload, who string) string {
	if u.By == who {
		return "for " + string(u.Overlay)
	}
	return "for " + string(u.Overlay) + " by " + u.By
}

// dropListed drops an upload of the list.
func (p *Pages) dropListed(w http.ResponseWriter, r *http.Request, who accounts.Actor, u uploads.Upload) error {
	if err := p.Uploads.Delete(r.Context(), who, u.ID); err != nil {
		return err
	}
	return page.Done(w, r, "/uploads")
}
