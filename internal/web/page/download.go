package page

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/httpserver"
)

// WhileSignedIn sends a long answer, and aborts it when the requester's session ends or the rights of
// the requester change. A user who was logged out or deleted must not receive the rest.
func (p *Panel) WhileSignedIn(w http.ResponseWriter, r *http.Request, who accounts.Actor, send func(r *http.Request)) {
	httpserver.SendWhile(w, r, p.Accounts.Cut, func() error { return p.still(r, who) }, send)
}
