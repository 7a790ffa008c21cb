package accounts

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
)

func (p *Pages) logout(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if who != (accounts.Actor{}) {
		if err := p.Accounts.Logout(r.Context(), p.Panel.Sessions.Secret(r)); err != nil {
			return err
		}
	}
	return p.signedOut(w, r)
}

// signedOut takes the session from a browser, with all that it keeps of the
// panel. Browsers heed the latter over https and on this machine only.
func (p *Pages) signedOut(w http.ResponseWriter, r *http.Request) error {
	p.Panel.Sessions.SetSession(w, "")
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}
