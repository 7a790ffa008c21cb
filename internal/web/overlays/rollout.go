package overlays

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// cancelMoves cancels the rollout of a revision. Servers that have not restarted yet keep
// theirs.
func (p *Pages) cancelMoves(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if _, err := p.Overlays.CancelRestart(r.Context(), who.Cause(), name); err != nil {
		return err
	}
	return page.Done(w, r, page.OverlayPath(name))
}
