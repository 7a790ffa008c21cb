package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/accounts"
)

func (p *panel) showOverlaySettings(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	o, err := p.overlayPage(r, who, "settings")
	if err != nil {
		return err
	}
	if !o.May.Act {
		o.Overlay = o.Overlay.Public()
	}
	return p.render(w, r, http.StatusOK, overlaySettingsPage(p.overlayFrame(r, who, o), o, overlayFormOf(o.Overlay)))
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
		_, err = p.Content.UpdateOverlay(r.Context(), who.Name, v)
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
	return p.render(w, r, status, overlaySettingsPage(p.overlayFrame(r, who, o), o, form))
}

func (p *panel) confirmDeleteOverlay(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	o, err := p.overlayPage(r, who, "")
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, deleteOverlayPage(p.frame(r, who, "Delete "+string(o.Name), "overlays"), o, "", ""))
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
	f := p.frame(r, who, "Delete "+string(o.Name), "overlays")
	if typed := r.PostForm.Get("confirm"); typed != string(o.Name) {
		return p.render(w, r, http.StatusUnprocessableEntity, deleteOverlayPage(f, o, typed, "That is not the name. Type "+string(o.Name)+" to go on."))
	}
	_, err = p.Content.DeleteOverlay(r.Context(), who.Name, o.Name)
	if errors.Is(err, left4me.Conflict) {
		e, _ := left4me.Public(err)
		return p.render(w, r, http.StatusConflict, deleteOverlayPage(f, o, string(o.Name), sentence(visible(e.Error()))))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, overlayPath(o.Name), http.StatusSeeOther)
	return nil
}
