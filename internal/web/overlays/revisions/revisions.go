package revisions

import (
	"net/http"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// revisionsView returns the page with the list of an overlay's revisions.
func (p *Pages) revisionsView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	o, err := p.Overlay.Page(r, who, name, "revisions")
	if err != nil {
		return page.View{}, err
	}
	return p.Overlay.View(r, who, o,
		page.NewPart("overlay-revisions", revisionTable(o), append(overlay.Topics(o.Name), page.OnEnds("server"))...)), nil
}

// useRevision makes a revision the current one.
func (p *Pages) useRevision(w http.ResponseWriter, r *http.Request, who accounts.Actor, v page.Revision) error {
	if _, err := p.Overlays.Revisions().Use(r.Context(), who.Cause(), v.Overlay, v.Number); err != nil {
		return err
	}
	http.Redirect(w, r, page.OverlayPath(v.Overlay, "/revisions"), http.StatusSeeOther)
	return nil
}

// labelRevision sets or removes the label of a revision.
func (p *Pages) labelRevision(w http.ResponseWriter, r *http.Request, who accounts.Actor, v page.Revision) error {
	if _, err := p.Overlays.Revisions().Label(r.Context(), who.Cause(), v.Overlay, v.Number,
		strings.TrimSpace(r.FormValue("label"))); err != nil {
		return err
	}
	http.Redirect(w, r, page.OverlayPath(v.Overlay, "/revisions"), http.StatusSeeOther)
	return nil
}

// dropView returns the page that asks for confirmation before a revision is deleted.
func (p *Pages) dropView(r *http.Request, who accounts.Actor, v page.Revision) (page.View, error) {
	o, err := p.Overlay.Page(r, who, v.Overlay, "revisions")
	if err != nil {
		return page.View{}, err
	}
	rev, ok := overlay.RevisionOf(o.Content, v.Number)
	if !ok {
		return page.View{}, page.ErrNoPage
	}
	return page.View{
		Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "overlays.revisions.delete.revision", "revision", v.Number), "overlays"),
		Body:  []page.Piece{page.NewPart("drop", dropRevision(o, rev), overlay.Topics(o.Name)...)},
	}, nil
}

// dropRevision deletes a revision.
func (p *Pages) dropRevision(w http.ResponseWriter, r *http.Request, who accounts.Actor, v page.Revision) error {
	if _, err := p.Overlays.Revisions().Drop(r.Context(), who.Cause(), v.Overlay, v.Number); err != nil {
		return err
	}
	http.Redirect(w, r, page.OverlayPath(v.Overlay, "/revisions"), http.StatusSeeOther)
	return nil
}
