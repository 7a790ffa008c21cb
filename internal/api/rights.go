package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	see       = accounts.See
	operate   = accounts.Operate
	console   = accounts.Console
	configure = accounts.Configure
	content   = accounts.Content
	manage    = accounts.Manage
	site      = accounts.SiteRight

	// asTheJob stands for the right that the kind of the job in the path requires.
	asTheJob accounts.Right = "as the job"
)

// need describes the authorization that a route requires.
type need struct {
	everybody bool           // no login required; all other fields are empty
	right     accounts.Right // empty: any signed-in user
	on        string         // kind of the right's target: "server", "site"; empty: none
	// check finds the target of the request, adds it to the returned context, and checks whether
	// actor has the right. param returns a parameter of the path.
	check func(ctx context.Context, actor accounts.Actor, param func(string) string) (context.Context, permit, error)
}

// permit is a right on a target. It is checked again while a long answer is sent. The zero permit
// requires only a login.
type permit struct {
	right  accounts.Right
	target left4me.Target
}

// allows checks whether actor may see the target and has the right on it.
func (p permit) allows(actor accounts.Actor) error {
	if p == (permit{}) {
		return nil
	}
	if err := accounts.Allow(actor, see, p.target); err != nil {
		return err
	}
	return accounts.Allow(actor, p.right, p.target)
}

// operation is a request and its answer, without the required right.
type operation struct {
	method, path, id string
	status           int // status of a successful answer
	summary          string
	add              func(huma.API, huma.Operation)
}

// operationOn is an operation on an object that is passed to its handler. T is the object, or its
// name if the handler looks it up. path is relative to the object's path.
type operationOn[T any] operation

// everybody returns the need of a route that requires no login.
func everybody() need { return need{everybody: true} }

// loggedIn returns an entry for any signed-in user: for lists that contain only what the user may
// see, and for the user's own account.
func loggedIn(o operation) entry {
	return entry{o, need{check: func(ctx context.Context, _ accounts.Actor, _ func(string) string) (context.Context, permit, error) {
		return ctx, permit{}, nil
	}}}
}

// onSite returns an entry that requires a right on the site.
func onSite(right accounts.Right, o operation) entry {
	return entry{o, fixed(right, "site", left4me.Site)}
}

// onKind returns an entry that requires a right on a kind of target in general, such as for
// creating an object.
func onKind(kind left4me.TargetKind, right accounts.Right, o operation) entry {
	return entry{o, fixed(right, string(kind), left4me.Target{Kind: kind})}
}

func fixed(right accounts.Right, on string, target left4me.Target) need {
	return need{
		right: right, on: on,
		check: func(ctx context.Context, actor accounts.Actor, _ func(string) string) (context.Context, permit, error) {
			p := permit{right, target}
			return ctx, p, accounts.Allow(actor, right, target)
		},
	}
}

// object is a kind of object that a parameter of the path identifies.
type object[T any] struct {
	path  string // "/servers/{name}"
	param string // "name"
	noun  string // "server"
	// find returns the object identified by text and its target. Errors: left4me.Invalid if text is
	// not a name, left4me.NotFound.
	find func(ctx context.Context, actor accounts.Actor, text string) (T, left4me.Target, error)
	// right returns the right that asTheJob stands for.
	right func(T) accounts.Right
	// ofSite reports that the target is the site. Existence is not concealed then: an actor who may
	// not see the site is refused for all paths.
	ofSite bool
	// on is the kind of the target if it isn't noun.
	on string
	// own reports that find returns only objects of the actor, which need no target.
	own bool
	// several reports that find checks the rights on the servers that the object is about.
	several bool
}

// needs returns an entry for an operation on the object that requires a right on it.
func (o object[T]) needs(right accounts.Right, op operationOn[T]) entry {
	add := op.add
	op.path = o.path + op.path
	op.add = func(h huma.API, ho huma.Operation) {
		longest := longestName
		ho.Parameters = append(ho.Parameters, &huma.Param{
			Name: o.param, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &longest},
		})
		add(h, ho)
	}
	on := cmp.Or(o.on, o.noun)
	switch {
	case o.own:
		right, on = "", "account"
	case o.several:
		right, on = "", "servers"
	case o.ofSite:
		on = "site"
	}
	return entry{operation(op), need{
		right: right, on: on,
		check: func(ctx context.Context, actor accounts.Actor, param func(string) string) (context.Context, permit, error) {
			v, p, err := o.permit(ctx, actor, right, param(o.param))
			return context.WithValue(ctx, foundKey[T]{}, v), p, err
		},
	}}
}

// longestName is the maximum length of an object's name or id in a path, in characters.
const longestName = 64

// permit finds the object identified by text and checks the actor's right on it. An unknown object
// counts as part of the site, so that actors without rights get the same answer for all names. An
// object that the actor may not see is reported as unknown.
func (o object[T]) permit(ctx context.Context, actor accounts.Actor, right accounts.Right, text string) (v T, p permit, err error) {
	if utf8.RuneCountInString(text) > longestName {
		return v, p, left4me.NewError(left4me.Invalid, "name.not_a_name", "name", text).InField("path." + o.param)
	}
	v, target, err := o.find(ctx, actor, text)
	missing := errors.Is(err, left4me.NotFound)
	if err != nil && !missing {
		return v, p, err
	}
	switch {
	case o.own, o.several:
		return v, p, err
	case right == asTheJob:
		right = o.right(v)
	}
	if missing {
		target = left4me.Site
	} else {
		err = left4me.NoSuch(o.noun, text) // the same error as for an unknown object
	}
	p = permit{right, target}
	if unseen := accounts.Allow(actor, see, target); unseen != nil {
		if o.ofSite {
			err = unseen
		}
		return v, p, err
	}
	if denied := accounts.Allow(actor, right, target); denied != nil || !missing {
		err = denied
	}
	return v, p, err
}

// foundKey is the context key of the object that a request is for.
type foundKey[T any] struct{}

// found adapts a handler that takes the object of its request to a plain handler.
func found[T, I, O any](f func(context.Context, T, *I) (O, error)) func(context.Context, *I) (O, error) {
	return func(ctx context.Context, in *I) (O, error) {
		v, _ := ctx.Value(foundKey[T]{}).(T)
		return f(ctx, v, in)
	}
}

// named identifies an object by its current name and resolves its id, so that a later object of the
// same name is a different target. For an unknown object only the name is set, and the handler
// reports the error.
func (c *core) named(path string, kind left4me.TargetKind) object[left4me.Name] {
	return object[left4me.Name]{
		path: path, param: "name", noun: string(kind),
		find: func(ctx context.Context, _ accounts.Actor, text string) (n left4me.Name, target left4me.Target, err error) {
			if n, err = pathName(text); err == nil {
				target, err = c.Accounts.Target(ctx, kind, n)
			}
			return n, target, err
		},
	}
}

func (c *core) servers() object[left4me.Name] {
	return c.named("/servers/{name}", left4me.ServerTarget)
}

// deletedServers returns the object type of deleted servers. The rights on a server remain when it is
// deleted.
func (c *core) deletedServers() object[left4me.ID] {
	return object[left4me.ID]{
		path: "/deleted-servers/{id}", param: "id", noun: "deleted server", on: "server",
		find: func(ctx context.Context, _ accounts.Actor, text string) (left4me.ID, left4me.Target, error) {
			v, err := c.Servers.Deleted().Find(ctx, text)
			return v.ID, v.Target(), err
		},
	}
}

func (c *core) overlays() object[left4me.Name] {
	return c.named("/overlays/{name}", left4me.OverlayTarget)
}

func (c *core) blueprints() object[left4me.Name] {
	return c.named("/blueprints/{name}", left4me.BlueprintTarget)
}

// backups returns the object type of backups, which belong to the site.
func (c *core) backups() object[left4me.Name] {
	o := ofSite[left4me.Name]("/backups/{name}", "name", "backup")
	o.find = func(_ context.Context, _ accounts.Actor, text string) (left4me.Name, left4me.Target, error) {
		n, err := pathName(text)
		return n, left4me.Site, err
	}
	return o
}

// jobs returns the object type of jobs. Their target is the object that they work on.
func (c *core) jobs() object[left4me.Job] {
	return object[left4me.Job]{
		path: "/jobs/{id}", param: "id", noun: "job",
		find: func(ctx context.Context, _ accounts.Actor, text string) (left4me.Job, left4me.Target, error) {
			v, err := c.Jobs.Get(ctx, left4me.JobID(text))
			return v, accounts.JobTarget(v), err
		},
		right: func(v left4me.Job) accounts.Right { return accounts.JobRight(v.Kind) },
	}
}

// uploads returns the object type of uploads. Their target is the overlay that they are for.
func (c *core) uploads() object[string] {
	return object[string]{
		path: "/uploads/{id}", param: "id", noun: "overlay",
		find: func(ctx context.Context, actor accounts.Actor, text string) (string, left4me.Target, error) {
			target, err := c.Uploads.Target(ctx, actor, text)
			return text, target, err
		},
	}
}

// ofSite returns an object type that belongs to the site. Its handler looks the object up.
func ofSite[T ~string](path, param, noun string) object[T] {
	return object[T]{
		path: path, param: param, noun: noun, ofSite: true,
		find: func(_ context.Context, _ accounts.Actor, text string) (T, left4me.Target, error) {
			return T(text), left4me.Site, nil
		},
	}
}

func (c *core) hosts() object[left4me.Name] {
	return ofSite[left4me.Name]("/hosts/{host}", "host", "host")
}

func (c *core) users() object[string] { return ofSite[string]("/users/{name}", "name", "user") }

func (c *core) recipes() object[string] { return ofSite[string]("/recipes/{id}", "id", "recipe") }

// tokens returns the object type of tokens that the actor may revoke.
func (c *core) tokens() object[string] {
	o := ofSite[string]("/tokens/{id}", "id", "token")
	o.ofSite, o.own = false, true
	return o
}

// asker is the actor of a request. It is identified again while a long answer is sent, so a stream
// shows only what the actor may see at that moment.
type asker struct {
	actor  atomic.Pointer[accounts.Actor]
	first  accounts.Actor // initial target of actor, stored here to save an allocation
	permit permit
}

type (
	actorKey struct{}
	askerKey struct{}
)

// WithActor returns a context whose requests are made by a without a token.
func WithActor(ctx context.Context, a accounts.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// withAsker returns the context for the handler of a request that actor is allowed to send.
func withAsker(ctx context.Context, actor accounts.Actor, p permit) context.Context {
	a := &asker{first: actor, permit: p}
	a.actor.Store(&a.first)
	return context.WithValue(ctx, askerKey{}, a)
}

func actorOf(ctx context.Context) accounts.Actor {
	if a, ok := ctx.Value(askerKey{}).(*asker); ok {
		return *a.actor.Load()
	}
	a, _ := ctx.Value(actorKey{}).(accounts.Actor)
	return a
}

// still identifies the actor of a running request again and checks whether the actor still has the
// right. ctx is the context of the handler.
func (c *core) still(ctx context.Context, r *http.Request) error {
	actor, err := c.identify(r)
	if err != nil {
		return err
	}
	a, ok := ctx.Value(askerKey{}).(*asker)
	if !ok {
		return permit{}.allows(actor)
	}
	if err := a.permit.allows(actor); err != nil {
		return err
	}
	a.actor.Store(&actor)
	return nil
}

// visible reports whether the actor may see the object that currently has the name n.
func (c *core) visible(ctx context.Context, kind left4me.TargetKind, n left4me.Name) (bool, error) {
	target, err := c.Accounts.Target(ctx, kind, n)
	return err == nil && accounts.Allow(actorOf(ctx), see, target) == nil, err
}

// visibleNames returns the names of objects that the actor may see, for example of the servers that
// use an overlay. The result is a new slice and never nil.
func visibleNames(ctx context.Context, names []left4me.Name, target func(left4me.Name) left4me.Target) []left4me.Name {
	return accounts.Visible(actorOf(ctx), append([]left4me.Name{}, names...), target)
}

// visibleParts checks that the actor may see the blueprint and the overlays that a request assigns
// to a server or a blueprint. It skips those that are already assigned (have). A name that the
// actor may not see is reported as unknown. Errors: left4me.Invalid.
func (c *core) visibleParts(ctx context.Context, blueprint string, overlays []left4me.OverlayRef, have left4me.Server) error {
	n := left4me.Name(blueprint)
	if n != "" && n != left4me.DefaultBlueprint && n != have.Blueprint {
		if ok, err := c.visible(ctx, left4me.BlueprintTarget, n); err != nil {
			return err
		} else if !ok {
			return left4me.NewError(left4me.Invalid, "blueprint.unknown", "blueprint", blueprint).InField("blueprint")
		}
	}
	for i, r := range overlays {
		if slices.ContainsFunc(have.Overlays, func(h left4me.OverlayRef) bool { return h.Name == r.Name }) {
			continue
		}
		if ok, err := c.visible(ctx, left4me.OverlayTarget, r.Name); err != nil {
			return err
		} else if !ok {
			return left4me.NewError(left4me.Invalid, "overlay.unknown", "overlay", string(r.Name)).InField(fmt.Sprintf("overlays[%d]", i))
		}
	}
	return nil
}

// readsSecrets reports whether the actor may read passwords in the definition of a target and in
// its console, jobs and script.
func readsSecrets(ctx context.Context, target left4me.Target) bool {
	right := configure
	if target.Kind == left4me.SiteTarget {
		right = site
	}
	return accounts.Allow(actorOf(ctx), right, target) == nil
}

// shownTo returns a function that hides passwords of a target, unless the actor may read them at
// the time of the call.
func shownTo(ctx context.Context, target left4me.Target) func(string) string {
	return func(s string) string {
		if readsSecrets(ctx, target) {
			return s
		}
		return left4me.HideSecrets(s)
	}
}
