package overlays

import (
	"errors"
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// deleteOverlayView asks for confirmation before an overlay is deleted.
func (p *Pages) deleteOverlayView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	return p.deleteOverlayWith(r, who, name, "", "")
}

func (p *Pages) deleteOverlayWith(r *http.Request, who accounts.Actor, name left4me.Name, typed, problem string) (page.View, error) {
	o, err := p.Overlay.Page(r, who, name, "")
	if err != nil {
		return page.View{}, err
	}
	lost := page.NewPart("lost", overlayLost(o), overlay.Topics(o.Name)...)
	return page.View{
		Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "overlays.delete.page", "name", o.Name), "overlays"),
		Body:  []page.Piece{page.Fixed(deleteOverlay(o, lost, typed, problem), lost)},
	}, nil
}

// deleteOverlay deletes an overlay if its name was typed correctly.
func (p *Pages) deleteOverlay(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	o, err := p.Overlay.Page(r, who, name, "")
	if err != nil {
		return err
	}
	again := func(status int, typed, problem string) error {
		v, err := p.deleteOverlayWith(r, who, name, typed, problem)
		if err != nil {
			return err
		}
		return p.Panel.Show(w, r, status, v)
	}
	if typed := r.PostForm.Get("confirm"); typed != string(o.Name) {
		return again(http.StatusUnprocessableEntity, typed, locale.T(r.Context(), "common.confirm.mismatch", "name", o.Name))
	}
	_, err = p.Overlays.Delete(r.Context(), who.Cause(), o.Name)
	if errors.Is(err, left4me.Conflict) {
		e, _ := page.Public(who, err)
		return again(http.StatusConflict, string(o.Name), format.Sentence(format.Visible(format.ErrorLine(r.Context(), e))))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, page.OverlayPath(o.Name), http.StatusSeeOther)
	return nil
}
