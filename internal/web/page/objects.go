package page

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/left4me"
)

// Objects creates the routes for objects of one kind, which are named in the path of a request. Its
// methods take the right that is required on the object's target, and the rest of the path after the
// object. Handlers and builders get the object after the right has been checked. Requests for an
// object that the user may not see are answered as if it did not exist.
type Objects[T any] struct {
	path   string // pattern of net/http.ServeMux for an object
	kind   left4me.TargetKind
	read   func(r *http.Request, who accounts.Actor) (T, error)
	target func(T) left4me.Target // also called with the zero value, if read found nothing
	hidden func(T) error          // returns the left4me.NotFound for an object that the user may not see; nil for ErrNoPage
}

// Servers identifies servers by name.
func Servers() Objects[left4me.Name] { return named("/servers/{name}", left4me.OnServer) }

// DeletedServers identifies deleted servers by id. The rights on a server remain when it is deleted.
func (p *Panel) DeletedServers() Objects[servers.DeletedView] {
	return Objects[servers.DeletedView]{
		path: "/deleted-servers/{id}", kind: left4me.ServerTarget,
		read: func(r *http.Request, _ accounts.Actor) (servers.DeletedView, error) {
			v, err := p.Servers.Deleted().Get(r.Context(), left4me.ID(r.PathValue("id")))
			if errors.Is(err, left4me.NotFound) {
				err = ErrNoPage
			}
			return v, err
		},
		target: func(v servers.DeletedView) left4me.Target { return v.Target() },
	}
}

// Overlays identifies overlays by name.
func Overlays() Objects[left4me.Name] { return named("/overlays/{name}", left4me.OnOverlay) }

// Blueprints identifies blueprints by name.
func Blueprints() Objects[left4me.Name] { return named("/blueprints/{name}", left4me.OnBlueprint) }

// Backups identifies backups by name. The rights on them are those on the site.
func Backups() Objects[left4me.Name] {
	return named("/backups/{name}", func(left4me.Name) left4me.Target { return left4me.Site })
}

func named(path string, target func(left4me.Name) left4me.Target) Objects[left4me.Name] {
	return Objects[left4me.Name]{
		path: path, kind: target("").Kind, target: target,
		read: func(r *http.Request, _ accounts.Actor) (left4me.Name, error) { return pathName(r) },
	}
}

// pathName returns the name in a path. An invalid name cannot exist: left4me.NotFound.
func pathName(r *http.Request) (left4me.Name, error) {
	n, err := left4me.ParseName(r.PathValue("name"))
	if err != nil {
		return "", ErrNoPage
	}
	return n, nil
}

// Users identifies users by name, which need not exist. The rights on them are those on the site.
func Users() Objects[string] {
	return Objects[string]{
		path: "/users/{name}", kind: left4me.SiteTarget,
		read:   func(r *http.Request, _ accounts.Actor) (string, error) { return r.PathValue("name"), nil },
		target: func(string) left4me.Target { return left4me.Site },
	}
}

// jobTarget is the kind in the Need of routes whose target is that of a job: a server, an overlay or
// the site.
const jobTarget left4me.TargetKind = "job"

// JobRoutes identifies jobs by id. The rights on a job are those on its target.
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

// BulkActs identifies starts, stops and restarts of several servers by id. The rights on one are those on
// its first server that the user may see; package control/bulk checks those on the others.
func (p *Panel) BulkActs() Objects[bulk.Act] {
	return Objects[bulk.Act]{
		path: "/bulk/{id}", kind: left4me.ServerTarget,
		read: func(r *http.Request, who accounts.Actor) (bulk.Act, error) {
			return p.Bulk.Get(r.Context(), who, r.PathValue("id"))
		},
		target: func(a bulk.Act) left4me.Target {
			if len(a.Servers) == 0 {
				return left4me.OnServer("")
			}
			return left4me.Target{Kind: left4me.ServerTarget, ID: a.Servers[0].ID, Name: string(a.Servers[0].Name)}
		},
		hidden: func(a bulk.Act) error { return left4me.NewError(left4me.NotFound, "bulk.unknown", "act", a.ID) },
	}
}

// Revision identifies a revision of an overlay, which need not exist.
type Revision struct {
	Overlay left4me.Name
	Number  int // number of the revision, from 1
}

// Revisions identifies revisions of overlays. The rights on a revision are those on its overlay.
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

// Upload identifies an upload to an overlay, which need not exist.
type Upload struct {
	Overlay left4me.Name
	ID      string
}

// UploadsOfOverlays identifies uploads by id and overlay. The rights on an upload are those on its
// overlay. An upload to another overlay is treated as nonexistent.
func (p *Panel) UploadsOfOverlays() Objects[Upload] {
	return Objects[Upload]{
		path: "/overlays/{name}/uploads/{id}", kind: left4me.OverlayTarget,
		target: func(v Upload) left4me.Target { return left4me.OnOverlay(v.Overlay) },
		read: func(r *http.Request, who accounts.Actor) (v Upload, err error) {
			v.ID = r.PathValue("id")
			if v.Overlay, err = pathName(r); err != nil {
				return v, err
			}
			// The handler reports an upload that does not exist.
			if u, err := p.Uploads.Get(r.Context(), who, v.ID); err == nil && u.Overlay != v.Overlay {
				return v, ErrNoPage
			}
			return v, nil
		},
	}
}

// UploadRoutes identifies uploads by id. The rights on an upload are those on its overlay.
func (p *Panel) UploadRoutes() Objects[uploads.Upload] {
	return Objects[uploads.Upload]{
		path: "/uploads/{id}", kind: left4me.OverlayTarget,
		target: func(u uploads.Upload) left4me.Target { return left4me.OnOverlay(u.Overlay) },
		read: func(r *http.Request, who accounts.Actor) (uploads.Upload, error) {
			return p.Uploads.Get(r.Context(), who, r.PathValue("id"))
		},
	}
}

// Own returns a route for an object that belongs to the requester, such as a token, whose id is in the
// path. The handler must check that it belongs to the requester.
func Own(method, path, rest string, h func(w http.ResponseWriter, r *http.Request, who accounts.Actor, id string) error) Route {
	return SignedIn.Handle(method+" "+path+"/{id}"+rest, func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
		return h(w, r, who, r.PathValue("id"))
	})
}

// Allow returns nil if the actor has a right on a target. Errors: left4me.NotFound if the actor may not see the
// target, as if it did not exist; otherwise left4me.Denied.
func Allow(who accounts.Actor, right accounts.Right, target left4me.Target) error {
	if accounts.Allow(who, accounts.See, target) != nil {
		return ErrNoPage
	}
	return accounts.Allow(who, right, target)
}

// admit returns the object of a request after checking the requester's right on it.
func (o Objects[T]) admit(r *http.Request, who accounts.Actor, right func(T) accounts.Right) (T, error) {
	v, err := o.read(r, who)
	if err != nil && !errors.Is(err, left4me.NotFound) {
		return v, err
	}
	// The answer must not reveal whether an object exists that the requester may not see.
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

// Handle returns a route that h answers; method is the HTTP method of its requests.
func (o Objects[T]) Handle(
	right accounts.Right, method, rest string, h func(w http.ResponseWriter, r *http.Request, who accounts.Actor, v T) error,
) Route {
	route := o.HandleAs(func(T) accounts.Right { return right }, method, rest, h)
	route.Need.Right = right
	return route
}

// HandleAs is like Handle, but the required right depends on the object.
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

// Show returns the route of a page and of its stream.
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

// Stream returns the route of the stream of a page that another route answers with.
func (o Objects[T]) Stream(
	right accounts.Right, rest, parent string, build func(r *http.Request, who accounts.Actor, v T) (View, error),
) Route {
	route := o.Show(right, rest, parent, build)
	route.stream = true
	return route
}

// FormAddress returns the route of a GET request to the address to which a form is submitted. A
// rejected form is shown at that address, so that a reload requests it.
func (o Objects[T]) FormAddress(right accounts.Right, rest string) Route {
	return o.Handle(right, http.MethodGet, rest, func(w http.ResponseWriter, r *http.Request, who accounts.Actor, _ T) error {
		return formAddress(w, r, who)
	})
}
