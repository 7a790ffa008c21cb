package overlays

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// build asks for a revision of what the definition says.
func (p *Pages) build(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if _, err := p.Overlays.Build(r.Context(), who.Cause(), name, overlays.Request{}); err != nil {
		return err
	}
	return page.Done(w, r, page.OverlayPath(name))
}

// repairTexts makes a revision in which a text is as it looks, or all are.
func (p *Pages) repairTexts(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	change := left4me.Change{Repair: []string{r.FormValue("path")}}
	if _, err := p.Overlays.Build(r.Context(), who.Cause(), name, overlays.Request{Change: &change}); err != nil {
		return err
	}
	return page.Done(w, r, page.OverlayPath(name, "/problems"))
}

// cancelMoves leaves servers that have not moved over to a revision as they are.
func (p *Pages) cancelMoves(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if _, err := p.Overlays.CancelRestart(r.Context(), who.Cause(), name); err != nil {
		return err
	}
	return page.Done(w, r, page.OverlayPath(name))
}

func (p *Pages) restore(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if _, err := p.Overlays.Restore(r.Context(), who.Cause(), name); err != nil {
		return err
	}
	return page.Done(w, r, page.OverlayPath(name))
}

func (p *Pages) collectContent(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	j, err := p.Overlays.Collect(r.Context(), who.Cause())
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/jobs/"+string(j.ID), http.StatusSeeOther)
	return nil
}
