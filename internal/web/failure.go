package web

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

var (
	errNoPage = left4me.Errorf(left4me.NotFound, "there is no such page").
			WithHint("it may have been deleted, or the address has a mistake")
	errOtherSession = left4me.Errorf(left4me.Denied, "the session of this page has ended").WithHint("log in again")
	errCrossOrigin  = left4me.Errorf(left4me.Denied, "the request came from another site").
			WithHint("nothing was done; go on from the panel itself")
)

// statuses is the one table of what a kind of failure is in HTTP.
var statuses = map[left4me.Kind]int{
	left4me.NotFound:    http.StatusNotFound,
	left4me.Conflict:    http.StatusConflict,
	left4me.Invalid:     http.StatusUnprocessableEntity,
	left4me.Denied:      http.StatusForbidden,
	left4me.Busy:        http.StatusTooManyRequests,
	left4me.Unavailable: http.StatusServiceUnavailable,
	left4me.DiskFull:    http.StatusInsufficientStorage,
}

// failure is what may be said of an error.
type failure struct {
	Status int    `json:"status"`
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
}

// failureOf says what may be said of err. What is internal is logged under an
// id that the page names.
func (p *panel) failureOf(r *http.Request, err error) failure {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return failure{Status: http.StatusRequestEntityTooLarge, Text: "that was too much to send", Hint: "use less text"}
	}
	err = disk.Explain(err)
	if e, ok := left4me.Public(err); ok && statuses[e.Kind] != 0 {
		if e.Kind == left4me.DiskFull {
			p.Log.Error("request", "path", r.URL.Path, "err", e, "cause", e.Err)
		}
		return failure{Status: statuses[e.Kind], Text: e.Text, Hint: e.Hint}
	}
	if r.Context().Err() != nil {
		return failure{Status: http.StatusServiceUnavailable, Text: "the request was given up"}
	}
	id := strings.ToLower(rand.Text()[:12])
	p.Log.Error("request", "request", id, "path", r.URL.Path, "err", err)
	return failure{
		Status: http.StatusInternalServerError, Text: "something unexpected went wrong",
		Hint: "the log of left4me says more under request=" + id,
	}
}

// fail answers with an error: a page for people, two sentences for scripts.
func (p *panel) fail(w http.ResponseWriter, r *http.Request, who accounts.Actor, err error) {
	f := p.failureOf(r, err)
	if who == (accounts.Actor{}) && f.Status == http.StatusForbidden && live(r) {
		f = failure{Status: http.StatusUnauthorized, Text: "you are logged out", Hint: "log in again"}
	}
	retryAfter(w, err)
	if live(r) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(f.Status)
		_ = json.NewEncoder(w).Encode(f)
		return
	}
	fr := p.frame(r, who, http.StatusText(f.Status), "")
	if err := p.render(w, r, f.Status, failurePage(fr, f)); err != nil {
		p.Log.Warn("render", "path", r.URL.Path, "err", err)
	}
}

// retryAfter says how long to wait, when err does.
func retryAfter(w http.ResponseWriter, err error) {
	var wait accounts.RetryAfter
	if errors.As(err, &wait) {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(time.Duration(wait).Seconds()))))
	}
}

func (p *panel) noPage(http.ResponseWriter, *http.Request, accounts.Actor) error { return errNoPage }

// problems are what is wrong with the fields of a form; the empty field is the
// form as a whole.
type problems map[string]string

// problemsOf sorts err by field, or reports false when it isn't about a form.
func problemsOf(err error) (problems, bool) {
	e, ok := left4me.Public(err)
	if !ok || e.Kind != left4me.Invalid && e.Kind != left4me.Conflict {
		return nil, false
	}
	all := left4me.Fields{e}
	_ = errors.As(err, &all)
	out := problems{}
	for _, e := range all {
		field, rest, list := strings.Cut(e.Field, "[")
		text := sentence(e.Error())
		if n, err := strconv.Atoi(strings.TrimSuffix(rest, "]")); list && err == nil {
			text = "line " + strconv.Itoa(n+1) + ": " + e.Error()
		}
		switch {
		case out[field] == "":
			out[field] = text
		case list && !strings.Contains(out[field], text):
			out[field] += "; " + text
		}
	}
	return out, true
}

// all is all of them in one text.
func (p problems) all() string { return strings.Join(slices.Sorted(maps.Values(p)), " ") }
