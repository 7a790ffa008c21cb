package page

import (
	"errors"
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// Everybody is the right of a route that needs no login.
const Everybody accounts.Action = ""

// Route is a line of the table of what the panel answers: a handler, or a page with
// its stream of events.
type Route struct {
	Right   accounts.Action // that a request needs, or Everybody
	Pattern string          // of net/http.ServeMux; of a page without a method
	Handler Handler         // nil: it is a page
	Build   Builder         // of a page
	Parent  string          // of a page: where people go on whose page is about something that was deleted
	stream  bool            // only the stream of a page: its Handler is another route
}

// Handle is a route that a handler answers.
func Handle(right accounts.Action, pattern string, h Handler) Route {
	return Route{Right: right, Pattern: pattern, Handler: h}
}

// Show is the route of a page and of its stream.
func Show(right accounts.Action, pattern, parent string, build Builder) Route {
	return Route{Right: right, Pattern: pattern, Parent: parent, Build: build}
}

// Stream is the route of the stream of a page whose answer is a route of its own.
func Stream(right accounts.Action, pattern, parent string, build Builder) Route {
	return Route{Right: right, Pattern: pattern, Parent: parent, Build: build, stream: true}
}

// Handlers are what a route adds to a net/http.ServeMux, by pattern.
func (p *Panel) Handlers(route Route) map[string]Handler {
	if route.Build == nil {
		return map[string]Handler{route.Pattern: route.Handler}
	}
	all := map[string]Handler{"GET " + route.Pattern + "/live": p.streamHandler(route)}
	if !route.stream {
		all["GET "+route.Pattern] = func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
			v, err := route.Build(r, who)
			if err != nil {
				return err
			}
			return p.Show(w, r, http.StatusOK, v)
		}
	}
	return all
}

// streamHandler answers with the stream of a page. Whoever has the page open when
// what it is about goes is sent to its parent.
func (p *Panel) streamHandler(route Route) Handler {
	return func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
		v, err := route.Build(r, who)
		if err != nil && !errors.Is(err, left4me.NotFound) {
			return err
		}
		return p.stream(w, r, append([]Feed{p.follow(r, who, route.Parent, route.Build)}, v.Feeds...)...)
	}
}
