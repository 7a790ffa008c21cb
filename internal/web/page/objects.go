package page

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/left4me"
)

// Objects makes the routes about objects of one kind, which the path of a request
// names. Handlers and builders get the object that was read from the path after the
// rights on its target were checked. An object that somebody may not see is answered
// like one that isn't there. Its methods take the right on the target, and the path
// behind that of the object.
type Objects[T any] struct {
	path   string // of an object, as net/http.ServeMux takes it
	kind   left4me.TargetKind
	read   func(r *http.Request, who accounts.Actor) (T, error)
	target func(T) left4me.Target // also of the zero value, where read found nothing
	hidden func(T) error          // left4me.NotFound, for one that somebody may not see; nil: ErrNoPage
}

// Servers are the servers by their names.
func Servers() Objects[left4me.Name] { return named("/servers/{name}", left4me.OnServer) }

// Overlays are the overlays by their names.
func Overlays() Objects[left4me.Name] { return named("/overlays/{name}", left4me.OnOverlay) }

// Blueprints are the blueprints by their names.
func Blueprints() Objects[left4me.Name] { return named("/blueprints/{name}", left4me.OnBlueprint) }

// Backups are the backups by their names. They belong to the site.
func Backups() Objects[left4me.Name] {
	return named("/backups/{name}", func(left4me.Name) left4me.Target { return left4me.Site })
}

func named(path string, target func(left4me.Name) left4me.Target) Objects[left4me.Name] {
	return Objects[left4me.Name]{
		path: path, kind: target("").Kind, target: target,
		read: func(r *http.Request, _ accounts.Actor) (left4me.Name, error) { return pathName(r) },
	}
}

// pathName reads the name in a path. A name that can't be is nobody's: left4me.NotFound.
func pathName(r *http.Request) (left4me.Name, error) {
	n, err := left4me.ParseName(r.PathValue("name"))
	if err != nil {
		return "", ErrNoPage
	}
	return n, nil
}

// Users are the users by their names, which need not exist. They belong to the site.
func Users() Objects[string] {
	return Objects[string]{
		path: "/users/{name}", kind: left4me.SiteTarget,
		read:   func(r *http.Request, _ accounts.Actor) (string, error) { return r.PathValue("name"), nil },
		target: func(string) left4me.Target { return left4me.Site },
	}
}

// jobTarget stands in the Need of a route for the target of a job: a server, an overlay
// or the site.
const jobTarget left4me.TargetKind = "job"

// JobRoutes are the jobs by their ids. The rights on a job are those on what it works on.
func (p *Panel) JobRoutes() Objects[left4me.Job] {
	return Objects[left4me.Job]{
		path: "/jobs/{id}", kind: jobTarget,
		read: func(r *http.Request, _ accounts.Actor) (left4me.Job, error) {
			return p.Jobs.Get(r.Context(), left4me.JobID(r.PathValue("id")))
		},
		target: accounts.JobTarget,
		hidden: func(j left4me.Job) error { return left4me.NoSuch("job", string(j.ID)) },
	}
}

// Revision is a revision of an overlay, which need not be there.
type Revision struct {
	Overlay left4me.Name
	Number  int // from 1
}

// Revisions are the revisions of overlays. The rights on one are those on the overlay.
func Revisions() Objects[Revision] {
	return Objects[Revision]{
		path: "/overlays/{name}/revisions/{revision}", kind: left4me.OverlayTarget,
		target: func(v Revision) left4me.Target { return left4me.OnOverlay(v.Overlay) },
		read: func(r *http.Request, _ accounts.Actor) (v Revision, err error) {
			if v.Overlay, err = pathName(r); err != nil {
				return v, err
			}
			if v.Number, err = strconv.Atoi(r.PathValue("revision")); err != nil || v.Number < 1 {
				return v, ErrNoPage
			}
			return v, nil
		},
	}
}

// Upload is an upload to an overlay, which need not be there.
type Upload struct {
	Overlay left4me.Name
	ID      string
}

// UploadsOfOverlays are the uploads to an overlay that the path names, too. The rights
// on one are those on the overlay; an upload to another overlay is none of these.
func (p *Panel) UploadsOfOverlays() Objects[Upload] {
	return Objects[Upload]{
		path: "/overlays/{name}/uploads/{id}", kind: left4me.OverlayTarget,
		target: func(v Upload) left4me.Target { return left4me.OnOverlay(v.Overlay) },
		read: func(r *http.Request, who accounts.Actor) (v Upload, err error) {
			v.ID = r.PathValue("id")
			if v.Overlay, err = pathName(r); err != nil {
				return v, err
			}
			// What isn't there is said by who is asked for it.
			if u, err := p.Uploads.Get(r.Context(), who, v.ID); err == nil && u.Overlay != v.Overlay {
				return v, ErrNoPage
			}
			return v, nil
		},
	}
}

// UploadRoutes are the uploads by their ids. The rights on one are those on the
// overlay that it is for.
func (p *Panel) UploadRoutes() Objects[uploads.Upload] {
	return Objects[uploads.Upload]{
		path: "/uploads/{id}", kind: left4me.OverlayTarget,
		target: func(u uploads.Upload) left4me.Target { return left4me.OnOverlay(u.Overlay) },
		read: func(r *http.Request, who accounts.Actor) (uploads.Upload, error) {
			return p.Uploads.Get(r.Context(), who, r.PathValue("id"))
		},
	}
}

// Own is a route about something of whoever asks, whose id is in the path, such as one
// of its tokens. The handler checks that it is.
func Own(method, path, rest string, h func(w http.ResponseWriter, r *http.Request, who accounts.Actor, id string) error) Route {
	return SignedIn.Handle(method+" "+path+"/{id}"+rest, func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
		return h(w, r, who, r.PathValue("id"))
	})
}

// Allow returns nothing for whoever has a right on a target. Errors: left4me.NotFound
// for whoever may not even see it, as if it were not there, else left4me.Denied.
func Allow(who accounts.Actor, right accounts.Right, target left4me.Target) error {
	if accounts.Allow(who, accounts.See, target) != nil {
		return ErrNoPage
	}
	return accounts.Allow(who, right, target)
}

// admit reads the object of a request and checks the rights on it.
func (o Objects[T]) admit(r *http.Request, who accounts.Actor, right func(T) accounts.Right) (T, error) {
	v, err := o.read(r, who)
	if err != nil && !errors.Is(err, left4me.NotFound) {
		return v, err
	}
	// Who may not know whether it is there must not learn it from the answer.
	denied := Allow(who, right(v), o.target(v))
	switch {
	case denied == nil:
		return v, err
	case o.hidden == nil || !errors.Is(denied, left4me.NotFound):
		return v, denied
	case err != nil:
		return v, err
	}
	return v, o.hidden(v)
}

// Handle is a route that a handler answers; method is that of its requests.
func (o Objects[T]) Handle(
	right accounts.Right, method, rest string, h func(w http.ResponseWriter, r *http.Request, who accounts.Actor, v T) error,
) Route {
	route := o.HandleAs(func(T) accounts.Right { return right }, method, rest, h)
	route.Need.Right = right
	return route
}

// HandleAs is Handle where the object says which right is needed.
func (o Objects[T]) HandleAs(
	right func(T) accounts.Right, method, rest string, h func(w http.ResponseWriter, r *http.Request, who accounts.Actor, v T) error,
) Route {
	return Route{
		Need: Need{Kind: o.kind}, Pattern: method + " " + o.path + rest,
		handler: func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
			v, err := o.admit(r, who, right)
			if err != nil {
				return err
			}
			return h(w, r, who, v)
		},
	}
}

// Show is the route of a page and of its stream.
func (o Objects[T]) Show(
	right accounts.Right, rest, parent string, build func(r *http.Request, who accounts.Actor, v T) (View, error),
) Route {
	return Route{
		Need: Need{Right: right, Kind: o.kind}, Pattern: o.path + rest, parent: parent,
		build: func(r *http.Request, who accounts.Actor) (View, error) {
			v, err := o.admit(r, who, func(T) accounts.Right { return right })
			if err != nil {
				return View{}, err
			}
			return build(r, who, v)
		},
	}
}

// Stream is the route of the stream of a page whose answer is a route of its own.
func (o Objects[T]) Stream(
	right accounts.Right, rest, parent string, build func(r *http.Request, who accounts.Actor, v T) (View, error),
) Route {
	route := o.Show(right, rest, parent, build)
	route.stream = true
	return route
}

// FormAddress is the route of a reload of a form that was wrong and was shown where it
// was sent to.
func (o Objects[T]) FormAddress(right accounts.Right, rest string) Route {
	return o.Handle(right, http.MethodGet, rest, func(w http.ResponseWriter, r *http.Request, who accounts.Actor, _ T) error {
		return formAddress(w, r, who)
	})
}
