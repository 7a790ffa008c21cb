package overlays

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/overlays/uploads"
	"github.com/left4me/left4me/internal/web/page"
)

// settingsView returns the page with the definition of an overlay.
func (p *Pages) settingsView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	o, err := p.Overlay.Page(r, who, name, "settings")
	if err != nil {
		return page.View{}, err
	}
	if !o.May(accounts.Configure).Act {
		o.Overlay = o.Overlay.Public()
	}
	may, err := p.mayUse(r.Context(), who, o)
	if err != nil {
		return page.View{}, err
	}
	return p.Overlay.View(r, who, o, page.Columns(
		p.Panel.Form(r, "settings", overlaySettings(o, overlayFormOf(o.Overlay)), page.OnContent()),
		page.Pieces(page.NewPart("overlay-remembered", uploads.Remembered(o), overlay.Topics(o.Name)...),
			page.NewPart("overlay-use", overlayUse(o, may), overlay.Topics(o.Name)...),
			page.NewPart("overlay-danger", overlayDanger(o), overlay.Topics(o.Name)...)),
	)), nil
}

// users are the servers and blueprints that do not have an overlay in their own stack.
type users struct{ Servers, Blueprints []left4me.Name }

// mayUse returns the servers and blueprints to which the user may add an overlay.
func (p *Pages) mayUse(ctx context.Context, who accounts.Actor, o overlay.Page) (all users, err error) {
	servers, err := p.Servers.List(ctx)
	if err != nil {
		return all, err
	}
	blueprints, err := p.Overlays.Blueprints().List(ctx)
	for _, v := range servers {
		if !slices.Contains(o.Servers, v.Name) && page.May(who, accounts.Configure, left4me.OnServer(v.Name)).Act {
			all.Servers = append(all.Servers, v.Name)
		}
	}
	for _, v := range blueprints {
		if !slices.Contains(o.Blueprints, v.Name) && page.May(who, accounts.Configure, v.Target()).Act {
			all.Blueprints = append(all.Blueprints, v.Name)
		}
	}
	return all, err
}

// saveSettings saves the definition of an overlay. If another user changed it in the
// meantime, nothing is saved: the form shows their changes and keeps what was typed.
func (p *Pages) saveSettings(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	o, err := p.Overlay.Page(r, who, name, "settings")
	if err != nil {
		return err
	}
	form := readOverlayForm(r.PostForm)
	form.Name, form.Kind = string(o.Name), string(o.Kind)
	v, err := form.onto(o.Overlay)
	if err == nil {
		// Without a version, Update reports a conflict.
		v.Version, _ = strconv.Atoi(form.Version)
		_, err = p.Overlays.Update(r.Context(), who.Cause(), v)
	} else {
		_, wrong := overlays.Check(v)
		err = page.JoinMistakes(err, wrong)
	}
	if err == nil {
		http.Redirect(w, r, page.OverlayPath(o.Name, "/settings"), http.StatusSeeOther)
		return nil
	}
	wrong, ok := page.ProblemsOf(r.Context(), who, err)
	if !ok {
		return err
	}
	form.Problems, form.Version = gathered(wrong), strconv.Itoa(o.Version)
	status := http.StatusUnprocessableEntity
	if errors.Is(err, left4me.Conflict) {
		status, form.Theirs = http.StatusConflict, form.differences(r.Context(), o.Overlay)
	}
	page, err := p.settingsView(r, who, name)
	if err != nil {
		return err
	}
	page.Form("settings").Typed = overlaySettings(o, form)
	return p.Panel.Show(w, r, status, page)
}
