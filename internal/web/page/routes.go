package page

import (
	"errors"
	"net/http"
	"path"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// Route is an entry of the panel's routing table: a handler, or a page with its stream of events. The
// functions that create routes add the check of Need. Routes for objects are created by [Objects],
// whose handlers get the object only after the check.
type Route struct {
	Need    Need
	Pattern string // pattern of net/http.ServeMux; without a method for a page

	handler Handler // nil for a page
	build   Builder // nil for a handler
	parent  string  // address that an open page goes to when its object is deleted
	stream  bool    // only the stream of a page; another route answers with the page
}

// Need is the permission that a route requires.
type Need struct {
	Open  bool               // no login is required
	Right accounts.Right     // empty if any login suffices, or if the right depends on the object
	Kind  left4me.TargetKind // kind of the target on which Right is required
}

// IsPage reports whether the route is a page, which has a stream of events.
func (r Route) IsPage() bool { return r.build != nil }

// Scope creates routes that are not about an object.
type Scope struct {
	need   Need
	target left4me.Target
}

var (
	// Everybody is for routes that need no login.
	Everybody = Scope{need: Need{Open: true}}
	// SignedIn is for routes of all users who are logged in: the pages of their own account, and lists,
	// which only show what the user may see.
	SignedIn = Scope{}
)

// Site returns the scope of routes that require a right on the site.
func Site(right accounts.Right) Scope {
	return Scope{Need{Right: right, Kind: left4me.SiteTarget}, left4me.Site}
}

// New returns the scope of routes that create an object of a kind.
func New(kind left4me.TargetKind) Scope {
	return Scope{Need{Right: accounts.Manage, Kind: kind}, left4me.Target{Kind: kind}}
}

// admit returns an error if the actor lacks the right of the scope. The guard has checked the login before.
func (s Scope) admit(who accounts.Actor) error {
	if s.need.Right == "" {
		return nil
	}
	return accounts.Allow(who, s.need.Right, s.target)
}

// Handle returns a route that h answers.
func (s Scope) Handle(pattern string, h Handler) Route {
	return Route{Need: s.need, Pattern: pattern, handler: func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
		if err := s.admit(who); err != nil {
			return err
		}
		return h(w, r, who)
	}}
}

// Show returns the route of a page and of its stream.
func (s Scope) Show(pattern, parent string, build Builder) Route {
	return Route{Need: s.need, Pattern: pattern, parent: parent, build: func(r *http.Request, who accounts.Actor) (View, error) {
		if err := s.admit(who); err != nil {
			return View{}, err
		}
		return build(r, who)
	}}
}

// FormAddress returns the route of a GET request to the address to which a form is submitted; see
// Objects.FormAddress.
func (s Scope) FormAddress(pattern string) Route { return s.Handle("GET "+pattern, formAddress) }

// formAddress redirects from the address of a form to its page, which is one level up.
func formAddress(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
	http.Redirect(w, r, path.Dir(r.URL.Path), http.StatusSeeOther)
	return nil
}

// Handlers returns the handlers that a route adds to a net/http.ServeMux, by pattern.
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

// streamHandler returns the handler of a page's stream. When the page's object is deleted, open pages go
// to the parent. The builder runs again for each change, and checks the permission each time.
func (p *Panel) streamHandler(route Route) Handler {
	return func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
		v, err := route.build(r, who)
		if err != nil && !errors.Is(err, left4me.NotFound) {
			return err
		}
		return p.stream(w, r, who, append([]Feed{p.follow(r, who, route.parent, route.build)}, v.Feeds...)...)
	}
}
