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

// Handler answers a request of somebody. What it returns as an error becomes a
// page; it has then written nothing.
type Handler func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error

// FromScript reports whether a script asks, which wants a short answer and no page.
func FromScript(r *http.Request) bool { return r.Header.Get("X-Left4me") == "live" || acceptsEvents(r) }

func acceptsEvents(r *http.Request) bool { return r.Header.Get("Accept") == "text/event-stream" }

// Done ends a form that was sent: a script learns that it worked, a browser is
// sent to the page that shows the result.
func Done(w http.ResponseWriter, r *http.Request, to string) error {
	if FromScript(r) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// BadForm keeps an error about the size and turns any other into one that can
// be shown.
func BadForm(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return err
	}
	return left4me.NewError(left4me.Invalid, "form.unreadable").Because(err)
}

// AnswerJSON is what a script gets.
func AnswerJSON(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who has gone needs no answer
	return nil
}

// PagePath is the address of the page that a request is about, without its query:
// its stream has one of its own, and a form that was wrong is shown where it was
// sent to.
func PagePath(r *http.Request) string {
	path := r.URL.Path
	if n := len(path) - len("/live"); n > 0 && path[n:] == "/live" {
		path = path[:n]
	}
	return path
}

// again is the address of a page as its stream knows it, to load it once more,
// without what is only about the stream.
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

// LocalPath is where to go next: a path of ours, or the start page for anything
// that could lead elsewhere.
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
