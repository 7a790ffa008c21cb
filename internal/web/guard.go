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

// guard stands before the handlers of all routes: it knows who asks, and shows what
// they return as an error.
type guard struct{ panel *page.Panel }

// handler lets in who is logged in, or everybody. The handlers of routes check the
// rights that these need.
func (g guard) handler(need page.Need, h page.Handler) http.Handler {
	if need.Open {
		return g.open(h)
	}
	return g.signedIn(h)
}

// open lets everybody in; somebody who is logged in is known by name.
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

// signedIn lets in who is logged in. Whoever isn't is sent to do that first and comes
// back.
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
			err = accounts.Allow(who, accounts.See, left4me.Site) // says that nobody is logged in
		}
		if err == nil {
			err = h(w, r, who)
		}
		if err != nil {
			g.panel.Fail(w, r, who, err)
		}
	})
}
