package web

import (
	"net/http"

	"github.com/left4me/left4me/control/accounts"
)

func (p *panel) logout(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if who != (accounts.Actor{}) {
		if err := p.Accounts.Logout(r.Context(), p.session(r)); err != nil {
			return err
		}
	}
	p.keep(w, "")
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}
