package game

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/web/page"
)

func (p *Pages) pinGame(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	if _, err := p.Game.Pin(r.Context(), who.Cause(), p.Hosts.Default(), r.PostForm.Get("pinned") == "yes"); err != nil {
		return err
	}
	return page.Done(w, r, "/game")
}
