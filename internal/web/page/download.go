package page

import (
	"net/http"

	"github.com/left4me/left4me/internal/httpserver"
)

// WhileSignedIn sends a long answer, which is cut off when the session of whoever asked
// for it ends: nobody who was signed out or removed gets the rest.
func (p *Panel) WhileSignedIn(w http.ResponseWriter, r *http.Request, send func(r *http.Request)) {
	httpserver.SendWhile(w, r, p.Accounts.Cut, func() error {
		_, err := p.Sessions.Identify(r)
		return err
	}, send)
}
