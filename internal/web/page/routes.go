package page

import (
	"errors"
	"net/http"
	"path"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// Route is a line of the table of what the panel answers: a handler, or a page with
// its stream of events. The functions that make one put the check of its Need before
// both: what is about an object comes from [Objects], and its handlers get the object
// from there only.
type Route struct {
	Need    Need
	Pattern string // of net/http.ServeMux; of a page without a method

	handler Handler // nil: it is a page
	build   Builder // of a page
	parent  string  // of a page: where people go on whose page is about something that was deleted
	stream  bool    // only the stream of a page: its handler is another route
}

// Need is what a request needs to be answered.
type Need struct {
	Open  bool               // nothing: everybody is answered
	Right accounts.Right     // empty: whoever is logged in, or the object says it
	Kind  left4me.TargetKind // of the target whose right that is
}

// IsPage reports whether the route is that of a page, which has a stream of events.
func (r Route) IsPage() bool { return r.build != nil }

// Scope makes routes that are about no object.
type Scope struct {
	need   Need
	target left4me.Target
}

var (
	// Everybody is for routes that need no login.
	Everybody = Scope{need: Need{Open: true}}
	// SignedIn is for routes of whoever is logged in: of one's own account, and of lists,
	// which show what somebody may see.
	SignedIn = Scope{}
)

// Site is for routes that need a right on the site.
func Site(right accounts.Right) Scope {
	return Scope{Need{Right: right, Kind: left4me.SiteTarget}, left4me.Site}
}

// New is for routes that make an object of a kind, which has no name yet.
func New(kind left4me.TargetKind) Scope {
	return Scope{Need{Right: accounts.Manage, Kind: kind}, left4me.Target{Kind: kind}}
}

// admit returns an error for whoever doesn't have what the scope needs. Who isn't
// logged in doesn't get here, but where everybody does.
func (s Scope) admit(who accounts.Actor) error {
	if s.need.Right == "" {
		return nil
	}
	return accounts.Allow(who, s.need.Right, s.target)
}

// Handle is a route that a handler answers.
func (s Scope) Handle(pattern string, h Handler) Route {
	return Route{Need: s.need, Pattern: pattern, handler: func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
		if err := s.admit(who); err != nil {
			return err
		}
		return h(w, r, who)
	}}
}

// Show is the route of a page and of its stream.
func (s Scope) Show(pattern, parent string, build Builder) Route {
	return Route{Need: s.need, Pattern: pattern, parent: parent, build: func(r *http.Request, who accounts.Actor) (View, error) {
		if err := s.admit(who); err != nil {
			return View{}, err
		}
		return build(r, who)
	}}
}

// FormAddress is the route of a reload of a form that was wrong and was shown where it
// was sent to.
func (s Scope) FormAddress(pattern string) Route { return s.Handle("GET "+pattern, formAddress) }

// formAddress leads from where a form is sent to its page, the directory of that address.
func formAddress(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
	http.Redirect(w, r, path.Dir(r.URL.Path), http.StatusSeeOther)
	return nil
}

// Handlers are what a route adds to a net/http.ServeMux, by pattern.
func (p *Panel) Handlers(route Route) map[string]Handler {
	if !route.IsPage() {
		return map[string]Handler{route.Pattern: route.handler}
	}
	all := map[string]Handler{"GET " + route.Pattern + "/live": p.streamHandler(route)}
	if !route.stream {
		all["GET "+route.Pattern] = func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
			v, err := route.build(r, who)
			if err != nil {
				return err
			}
			return p.Show(w, r, http.StatusOK, v)
		}
	}
	return all
}

// streamHandler answers with the stream of a page. Whoever has the page open when
// what it is about goes is sent to its parent. The builder is asked again for each
// change, and checks each time what the route needs.
func (p *Panel) streamHandler(route Route) Handler {
	return func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
		v, err := route.build(r, who)
		if err != nil && !errors.Is(err, left4me.NotFound) {
			return err
		}
		return p.stream(w, r, who, append([]Feed{p.follow(r, who, route.parent, route.build)}, v.Feeds...)...)
	}
}
