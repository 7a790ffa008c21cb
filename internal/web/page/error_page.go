package page

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
	"github.com/left4me/left4me/internal/web/format"
)

// ErrNoPage is the error for addresses without a page.
var ErrNoPage = left4me.NewError(left4me.NotFound, "page.unknown")

// failure is the part of an error that may be shown, and its HTTP status.
type failure struct {
	Status int    `json:"status"`
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`

	RequestID string `json:"request_id,omitempty"`

	restorable bool // the page's server was deleted and can be restored
}

// FailureOf returns the part of err that the actor may read, and the id of the request, which is also in
// the log line with the complete error.
func (p *Panel) FailureOf(r *http.Request, who accounts.Actor, err error) failure {
	f := p.explained(r, accounts.Conceal(who, err))
	f.RequestID = requestid.From(r.Context())
	return f
}

func (p *Panel) explained(r *http.Request, err error) failure {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return failureOf(r.Context(), http.StatusRequestEntityTooLarge, left4me.NewError(left4me.Invalid, "form.too_large"))
	}
	err = disk.Explain(err)
	if e, ok := left4me.Public(err); ok {
		if status, ok := httpserver.Status(e.Kind); ok {
			if httpserver.Logged(status, e) {
				p.Log.ErrorContext(r.Context(), "request", "path", r.URL.Path, "err", e, "cause", e.Err)
			}
			return failureOf(r.Context(), status, e)
		}
	}
	if r.Context().Err() != nil {
		return failureOf(r.Context(), http.StatusServiceUnavailable, left4me.NewError(left4me.Unavailable, "request.given_up"))
	}
	p.Log.ErrorContext(r.Context(), "request", "path", r.URL.Path, "err", err)
	e := left4me.NewError(left4me.Internal, "internal", "request", requestid.From(r.Context()))
	return failureOf(r.Context(), http.StatusInternalServerError, e)
}

func failureOf(ctx context.Context, status int, e *left4me.Error) failure {
	text, hint := format.Error(ctx, e)
	return failure{Status: status, Text: text, Hint: hint, restorable: e.Code == "server.restorable"}
}

// Fail answers with an error: a page for browsers, JSON with text and hint for scripts.
func (p *Panel) Fail(w http.ResponseWriter, r *http.Request, who accounts.Actor, err error) {
	f := p.FailureOf(r, who, err)
	if who == (accounts.Actor{}) && f.Status == http.StatusForbidden && FromScript(r) {
		f = failureOf(r.Context(), http.StatusUnauthorized, left4me.NewError(left4me.Denied, "auth.logged_out"))
		f.RequestID = requestid.From(r.Context())
	}
	RetryAfter(w, err)
	if FromScript(r) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(f.Status)
		_ = json.NewEncoder(w).Encode(f)
		return
	}
	fr := p.Frame(r, who, http.StatusText(f.Status), "")
	if err := p.Render(w, r, f.Status, failurePage(fr, f)); err != nil {
		p.Log.WarnContext(r.Context(), "render", "path", r.URL.Path, "err", err)
	}
}

// RetryAfter sets the Retry-After header if err has a delay, rounded up to whole seconds.
func RetryAfter(w http.ResponseWriter, err error) {
	var wait accounts.RetryAfter
	if errors.As(err, &wait) {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(time.Duration(wait).Seconds()))))
	}
}

func (p *Panel) NoPage(http.ResponseWriter, *http.Request, accounts.Actor) error { return ErrNoPage }
