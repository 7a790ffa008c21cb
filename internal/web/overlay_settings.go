package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// overlaySettingsView is the definition of an overlay.
func (p *panel) overlaySettingsView(r *http.Request, who accounts.Actor) (view, error) {
	o, err := p.overlayPage(r, who, "settings")
	if err != nil {
		return view{}, err
	}
	if !o.May.Act {
		o.Overlay = o.Overlay.Public()
	}
	return p.overlayView(r, who, o, columns(
		p.form(r, "settings", overlaySettings(o, overlayFormOf(o.Overlay)), onContent()),
		pieces(showing("overlay-remembered", overlayRemembered(o), onOverlay(o.Name)...),
			showing("overlay-use", overlayUse(o), onOverlay(o.Name)...), showing("overlay-danger", overlayDanger(o), onOverlay(o.Name)...)),
	)), nil
}

// saveOverlaySettings changes a definition. When somebody else was faster, the
// form shows what they did and keeps what was typed.
func (p *panel) saveOverlaySettings(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	o, err := p.overlayPage(r, who, "settings")
	if err != nil {
		return err
	}
	form := readOverlayForm(r.PostForm)
	form.Name, form.Kind = string(o.Name), string(o.Kind)
	v, err := form.onto(o.Overlay)
	if err == nil {
		// What has no version is nobody's.
		v.Version, _ = strconv.Atoi(form.Version)
		_, err = p.Content.Update(r.Context(), who.Name, v)
	} else {
		_, wrong := overlays.Check(v)
		err = both(err, wrong)
	}
	if err == nil {
		http.Redirect(w, r, overlayPath(o.Name, "/settings"), http.StatusSeeOther)
		return nil
	}
	wrong, ok := problemsOf(err)
	if !ok {
		return err
	}
	form.Problems, form.Version = gathered(wrong), strconv.Itoa(o.Version)
	status := http.StatusUnprocessableEntity
	if errors.Is(err, left4me.Conflict) {
		status, form.Theirs = http.StatusConflict, form.differences(o.Overlay)
	}
	page, err := p.overlaySettingsView(r, who)
	if err != nil {
		return err
	}
	page.form("settings").typed = overlaySettings(o, form)
	return p.show(w, r, status, page)
}

// deleteOverlayView asks before an overlay is deleted.
func (p *panel) deleteOverlayView(r *http.Request, who accounts.Actor) (view, error) {
	return p.deleteOverlayWith(r, who, "", "")
}

func (p *panel) deleteOverlayWith(r *http.Request, who accounts.Actor, typed, problem string) (view, error) {
	o, err := p.overlayPage(r, who, "")
	if err != nil {
		return view{}, err
	}
	lost := showing("lost", overlayLost(o), onOverlay(o.Name)...)
	return view{
		frame: p.frame(r, who, "Delete "+string(o.Name), "overlays"),
		body:  []piece{fixed(deleteOverlay(o, lost, typed, problem), lost)},
	}, nil
}

// deleteOverlay does it when the name was typed as it is.
func (p *panel) deleteOverlay(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	o, err := p.overlayPage(r, who, "")
	if err != nil {
		return err
	}
	again := func(status int, typed, problem string) error {
		v, err := p.deleteOverlayWith(r, who, typed, problem)
		if err != nil {
			return err
		}
		return p.show(w, r, status, v)
	}
	if typed := r.PostForm.Get("confirm"); typed != string(o.Name) {
		return again(http.StatusUnprocessableEntity, typed, "That is not the name. Type "+string(o.Name)+" to go on.")
	}
	_, err = p.Content.Delete(r.Context(), who.Name, o.Name)
	if errors.Is(err, left4me.Conflict) {
		e, _ := left4me.Public(err)
		return again(http.StatusConflict, string(o.Name), sentence(visible(e.Error())))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, overlayPath(o.Name), http.StatusSeeOther)
	return nil
}
