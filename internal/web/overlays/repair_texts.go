package overlays

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// repairTexts starts a job that repairs one text file of the current revision, or all of
// them, and publishes the result as a new revision. The path "." stands for all.
func (p *Pages) repairTexts(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	change := left4me.Change{Repair: []string{r.FormValue("path")}}
	if _, err := p.Overlays.Build(r.Context(), who.Cause(), name, overlays.Request{Change: &change}); err != nil {
		return err
	}
	return page.Done(w, r, page.OverlayPath(name, "/problems"))
}
