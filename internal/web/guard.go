package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

var errCrossOrigin = left4me.NewError(left4me.Denied, "request.other_site")

// guard wraps the handlers of all routes: it identifies who sends a request, and shows the errors that
// handlers return.
type guard struct{ panel *page.Panel }

// handler wraps h and checks the login, unless the route is open. The handlers of routes check the
// rights.
func (g guard) handler(need page.Need, h page.Handler) http.Handler {
	if need.Open {
		return g.open(h)
	}
	return g.signedIn(h)
}

// open wraps a handler that requires no login. It still identifies users who are logged in.
func (g guard) open(h page.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := g.panel.Identify(r)
		if err == nil || errors.Is(err, left4me.Denied) {
			err = h(w, r, who)
		}
		if err != nil {
			g.panel.Fail(w, r, who, err)
		}
	})
}

// signedIn wraps a handler that requires a login. Other browsers are redirected to the login page, which
// leads back.
func (g guard) signedIn(h page.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := g.panel.Identify(r)
		if errors.Is(err, left4me.Denied) && !page.FromScript(r) {
			to := "/login"
			if r.Method == http.MethodGet && r.URL.Path != "/" {
				to += "?next=" + url.QueryEscape(r.URL.RequestURI())
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		if err == nil && who == (accounts.Actor{}) {
			err = accounts.Allow(who, accounts.See, left4me.Site) // returns the error that no user is logged in
		}
		if err == nil {
			err = h(w, r, who)
		}
		if err != nil {
			g.panel.Fail(w, r, who, err)
		}
	})
}
