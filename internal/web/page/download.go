package page

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/httpserver"
)

// WhileSignedIn sends a long answer, which is cut off when the session of whoever asked
// for it ends or has other rights: nobody who was signed out or removed gets the rest.
func (p *Panel) WhileSignedIn(w http.ResponseWriter, r *http.Request, who accounts.Actor, send func(r *http.Request)) {
	httpserver.SendWhile(w, r, p.Accounts.Cut, func() error { return p.still(r, who) }, send)
}
