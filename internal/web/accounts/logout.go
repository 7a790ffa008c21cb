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

// signedOut removes the session cookie from the browser, and everything the browser stores for the
// panel. Browsers obey Clear-Site-Data only over https and on loopback addresses.
func (p *Pages) signedOut(w http.ResponseWriter, r *http.Request) error {
	p.Panel.Sessions.SetSession(w, "")
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}
