package overlays

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// build starts a job that builds a revision from the overlay's definition.
func (p *Pages) build(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if _, err := p.Overlays.Build(r.Context(), who.Cause(), name, overlays.Request{}); err != nil {
		return err
	}
	return page.Done(w, r, page.OverlayPath(name))
}
