package uploads

import (
	"context"
	"errors"
	"net/http"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// listView returns the page of unpublished uploads: the user's own, and for administrators
// those of all users.
func (p *Pages) listView(r *http.Request, who accounts.Actor) (page.View, error) {
	all := page.LazyPart("open-uploads", func(ctx context.Context) (templ.Component, error) {
		open, err := p.Uploads.List(ctx, who)
		open = accounts.Visible(who, open, func(u uploads.Upload) left4me.Target { return left4me.OnOverlay(u.Overlay) })
		missing := map[left4me.Name]bool{}
		for _, u := range open {
			_, err := p.Overlays.Get(ctx, u.Overlay)
			missing[u.Overlay] = errors.Is(err, left4me.NotFound)
		}
		return uploadList(open, missing, who.Name), err
	}, page.OnUploads(), page.OnEnds(left4me.BuildOverlay.Noun()))
	encoding, err := p.Overlays.ArchiveNames(r.Context())
	if err != nil {
		return page.View{}, err
	}
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "overlays.uploads.title"), "overlays")
	names := p.Panel.Form(r, "names", namesSetting(encoding, f.May(accounts.SiteRight, left4me.Site)), page.OnContent())
	return page.View{Frame: f, Body: []page.Piece{page.Fixed(uploadsHead()), all, names}}, nil
}

// uploadTarget returns the overlay that an upload is for, and its user if it is not who. Only an
// upload that was started on the form for a new server is for an overlay that doesn't exist.
func uploadTarget(u uploads.Upload, exists bool, who string) locale.Message {
	switch {
	case !exists && u.By == who:
		return locale.M("overlays.uploads.target_new")
	case !exists:
		return locale.M("overlays.uploads.target_new_by", "user", format.Visible(u.By))
	}
	if u.By == who {
		return locale.M("overlays.uploads.target", "overlay", u.Overlay)
	}
	return locale.M("overlays.uploads.target_by", "overlay", u.Overlay, "user", format.Visible(u.By))
}

// dropListed deletes an upload in the list.
func (p *Pages) dropListed(w http.ResponseWriter, r *http.Request, who accounts.Actor, u uploads.Upload) error {
	if err := p.Uploads.Delete(r.Context(), who, u.ID); err != nil {
		return err
	}
	return page.Done(w, r, "/uploads")
}
