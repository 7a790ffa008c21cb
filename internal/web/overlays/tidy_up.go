package overlays

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
)

// collectContent starts a cleanup job, which removes revisions and files that are no longer
// needed, and redirects to it.
func (p *Pages) collectContent(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	j, err := p.Overlays.Collect(r.Context(), who.Cause())
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/jobs/"+string(j.ID), http.StatusSeeOther)
	return nil
}
