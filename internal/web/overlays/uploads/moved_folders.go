package uploads

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// forgetMove removes a move that an overlay remembers, so that the destination of the folder
// is detected again.
func (p *Pages) forgetMove(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	if err := p.Overlays.ForgetMove(r.Context(), who.Cause(), name, r.PostForm.Get("folder")); err != nil {
		return err
	}
	return page.Done(w, r, page.OverlayPath(name, "/settings"))
}
