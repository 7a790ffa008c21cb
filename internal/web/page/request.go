package page

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/session"
)

// Handler answers a request of an actor. If it returns an error, it must not have written anything; the
// error is then shown as a page.
type Handler func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error

// FromScript reports whether a script sent the request, which expects a short answer instead of a page.
func FromScript(r *http.Request) bool { return r.Header.Get("X-Left4me") == "live" || acceptsEvents(r) }

func acceptsEvents(r *http.Request) bool { return r.Header.Get("Accept") == "text/event-stream" }

// Done answers a successful form: 204 for a script, a redirect to the page that shows the result for a
// browser.
func Done(w http.ResponseWriter, r *http.Request, to string) error {
	if FromScript(r) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// GoOn answers a form that continues on another page: a redirect for a browser, and for a script a header
// with the address that it must open.
func GoOn(w http.ResponseWriter, r *http.Request, to string) error {
	if FromScript(r) {
		w.Header().Set("X-Left4me-Open", to)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// BadForm returns an error about the size of a form unchanged, and wraps all others in an error that can
// be shown.
func BadForm(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return err
	}
	return left4me.NewError(left4me.Invalid, "form.unreadable").Because(err)
}

// AnswerJSON answers a script with JSON.
func AnswerJSON(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have disconnected
	return nil
}

// PagePath returns the address of the page that a request is about, without its query. For the request
// of a stream it is the address of the stream's page.
func PagePath(r *http.Request) string {
	path := r.URL.Path
	if n := len(path) - len("/live"); n > 0 && path[n:] == "/live" {
		path = path[:n]
	}
	return path
}

// again returns the address with which the page of a stream is reloaded: that of the stream without the
// parameters that only streams have.
func again(r *http.Request) string {
	q := r.URL.Query()
	for key := range q {
		if strings.HasPrefix(key, formPrefix) || key == session.Param {
			q.Del(key)
		}
	}
	if len(q) == 0 {
		return PagePath(r)
	}
	return PagePath(r) + "?" + q.Encode()
}

// LocalPath returns the target of a redirect: s if it is a path of the panel, or the start page if s
// could lead to another site.
func LocalPath(s string) string {
	const start = "/servers"
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return start
	}
	// Browsers read a backslash as a slash, and two slashes as another host.
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\\t\r\n") || strings.HasPrefix(u.Path, "//") {
		return start
	}
	if u.Path == "/logout" || u.Path == "/theme" {
		return start
	}
	return u.RequestURI()
}
