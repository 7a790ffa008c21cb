package overlays

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// restore starts a job that restores a deleted overlay.
func (p *Pages) restore(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if _, err := p.Overlays.Restore(r.Context(), who.Cause(), name); err != nil {
		return err
	}
	return page.Done(w, r, page.OverlayPath(name))
}

// restore returns whether the user may restore a deleted overlay.
func (l overlayList) restore(n left4me.Name) page.Permission {
	return page.May(l.who, accounts.Manage, left4me.OnOverlay(n))
}
