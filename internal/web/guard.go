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
)

const (
	// bodyLimit is more than the longest form, which is that of a new server.
	bodyLimit = 1 << 20
	// textLimit is that of a form with a whole file in it, three bytes for one.
	textLimit = 3*overlays.MaxFile + bodyLimit
)

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

// handler answers a request of somebody. What it returns as an error becomes a
// page; it has then written nothing.
type handler func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error

// policy allows what the panel uses and nothing else: no inline script or
// style, nothing from elsewhere, and no page of ours in a frame.
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func headers(secure bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
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

// open lets everybody in; somebody who is logged in is known by name.
func (p *panel) open(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := p.identify(r)
		if err == nil || errors.Is(err, left4me.Denied) {
			err = h(w, r, who)
		}
		if err != nil {
			p.fail(w, r, who, err)
		}
	})
}

// guard lets those in who may. Whoever isn't logged in is sent to do that first
// and comes back.
func (p *panel) guard(action accounts.Action, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := p.identify(r)
		if errors.Is(err, left4me.Denied) && !live(r) {
			to := "/login"
			if r.Method == http.MethodGet && r.URL.Path != "/" {
				to += "?next=" + url.QueryEscape(r.URL.RequestURI())
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		if err == nil {
			err = accounts.Allow(who, action)
		}
		if err == nil {
			err = h(w, r, who)
		}
		if err != nil {
			p.fail(w, r, who, err)
		}
	})
}

// identify says whose session a request belongs to. A request that names the
// session of its page is nobody's when the browser has another session by now: no
// page shows what is meant for somebody else. Errors: left4me.Denied.
func (p *panel) identify(r *http.Request) (accounts.Actor, error) {
	if strings.Contains(r.URL.RawQuery, sessionParam+"=") {
		if named := r.URL.Query().Get(sessionParam); named != sessionTag(p.session(r)) {
			return accounts.Actor{}, errOtherSession
		}
	}
	return p.Accounts.Authenticate(r.Context(), p.session(r))
}

// live reports whether a script asks, which wants a short answer and no page.
func live(r *http.Request) bool { return r.Header.Get("X-Left4me") == "live" || streams(r) }

func streams(r *http.Request) bool { return r.Header.Get("Accept") == "text/event-stream" }

// pathName reads the server's name out of the path. A name that can't be is
// nobody's: left4me.NotFound.
func pathName(r *http.Request) (left4me.Name, error) {
	n, err := left4me.ParseName(r.PathValue("name"))
	if err != nil {
		return "", errNoPage
	}
	return n, nil
}

// done ends a form that was sent: a script learns that it worked, a browser is
// sent to the page that shows the result.
func done(w http.ResponseWriter, r *http.Request, to string) error {
	if live(r) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
