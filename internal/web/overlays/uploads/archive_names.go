package uploads

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/web/page"
)

// setNames saves the encoding that short names in archives are read in.
func (p *Pages) setNames(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	if _, err := p.Overlays.SetArchiveNames(r.Context(), r.PostForm.Get("encoding")); err != nil {
		return err
	}
	return page.Done(w, r, "/uploads")
}
