package web

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

const (
	// bodyLimit is more than the longest form, which is that of a new server.
	bodyLimit = 1 << 20
	// textLimit is that of a form with a whole file in it, three bytes for one.
	textLimit = 3*overlays.MaxFile + bodyLimit
)

var errCrossOrigin = left4me.NewError(left4me.Denied, "request.other_site")

// limitOf is how long the body of a request may be; 0 is without a limit: a file
// goes to the disk as it comes, and who takes it bounds it.
func limitOf(r *http.Request) int64 {
	if !strings.HasPrefix(r.URL.Path, "/overlays/") {
		return bodyLimit
	}
	switch last := path.Base(r.URL.Path); {
	case r.Method == http.MethodPut && last == "file", r.Method == http.MethodPost && last == "upload":
		return 0
	case last == "edit", last == "script":
		return textLimit
	}
	return bodyLimit
}

func headers(secure bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", page.Policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		// Pages show who is logged in: whoever has the browser next must not find them
		// in its cache, or with its back button.
		h.Set("Cache-Control", "no-store")
		h.Set("X-Left4me", "1") // scripts tell our answers from a proxy's by it
		if secure {
			h.Set("Cross-Origin-Opener-Policy", "same-origin") // browsers complain about it without https
		}
		next.ServeHTTP(w, r)
	})
}

func limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if most := limitOf(r); most > 0 {
			r.Body = http.MaxBytesReader(w, r.Body, most)
		}
		next.ServeHTTP(w, r)
	})
}

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
