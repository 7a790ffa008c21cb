package api

import (
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

	// asTheJob is the right that the kind of the job in the path needs.
	asTheJob accounts.Right = "as the job"
)

// need is what whoever sends a request for a route must be and be allowed.
type need struct {
	everybody bool           // nobody need be logged in; the rest is empty
	right     accounts.Right // empty: it is enough to be logged in
	on        string         // what it is on, in a word: "server", "site"; empty: on nothing
	// check finds what the request is for, which goes into the context that it
	// returns, and says whether actor may. param gives the parts of the path.
	check func(ctx context.Context, actor accounts.Actor, param func(string) string) (context.Context, permit, error)
}

// permit is a right on a target that a request needs. It is checked anew while an answer
// lasts. The zero permit needs nothing but a login.
type permit struct {
	right  accounts.Right
	target left4me.Target
}

// allows says whether actor may see the target and has the right on it.
func (p permit) allows(actor accounts.Actor) error {
	if p == (permit{}) {
		return nil
	}
	if err := accounts.Allow(actor, see, p.target); err != nil {
		return err
	}
	return accounts.Allow(actor, p.right, p.target)
}

// operation is a request and its answer, without who may send it.
type operation struct {
	method, path, id string
	status           int // of a success
	summary          string
	add              func(huma.API, huma.Operation)
}

// operationOn is an operation on an object, whose handler gets it: T is the object, or its
// name where that is parsed only. path is what follows that of the object.
type operationOn[T any] operation

// everybody lets a route be asked for without a login.
func everybody() need { return need{everybody: true} }

// loggedIn lets whoever is logged in ask: for lists that have what each one may see
// only, and for their own account.
func loggedIn(o operation) entry {
	return entry{o, need{check: func(ctx context.Context, _ accounts.Actor, _ func(string) string) (context.Context, permit, error) {
		return ctx, permit{}, nil
	}}}
}

// onSite is an operation that needs a right on the site.
func onSite(right accounts.Right, o operation) entry {
	return entry{o, fixed(right, "site", left4me.Site)}
}

// onKind is an operation on no object in particular, as one that makes an object: it
// needs a right on a target of the kind without a name.
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

// object is a kind of thing that a part of a path names.
type object[T any] struct {
	path  string // "/servers/{name}"
	param string // "name"
	noun  string // "server"
	// find gives what text names, and its target. Errors: left4me.Invalid for what is
	// no name, left4me.NotFound.
	find func(ctx context.Context, actor accounts.Actor, text string) (T, left4me.Target, error)
	// right is what asTheJob stands for.
	right func(T) accounts.Right
	// ofSite says that the target is the site. Nothing is concealed then: whoever may
	// not see the site is refused whatever the path names.
	ofSite bool
	// own says that what find returns is the actor's own, and that there is no target.
	own bool
}

// needs is an operation on the object that needs a right on it.
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
	on := o.noun
	switch {
	case o.own:
		right, on = "", "account"
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

// longestName is how long the name or id of an object in a path may be, in characters.
const longestName = 64

// permit finds the object that text names and says whether actor may. One that isn't
// there belongs to the site, so that whoever may change nothing is told the same of
// all, and one that actor may not see answers as if it were not there.
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
	case o.own:
		return v, p, err
	case right == asTheJob:
		right = o.right(v)
	}
	if missing {
		target = left4me.Site
	} else {
		err = left4me.NoSuch(o.noun, text) // as it would be said of one that isn't there
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

// foundKey is the key of what a request is for.
type foundKey[T any] struct{}

// found makes an ordinary handler of one that gets the object of its request.
func found[T, I, O any](f func(context.Context, T, *I) (O, error)) func(context.Context, *I) (O, error) {
	return func(ctx context.Context, in *I) (O, error) {
		v, _ := ctx.Value(foundKey[T]{}).(T)
		return f(ctx, v, in)
	}
}

// named is an object that has its name now: the next one of the name is another target.
// One that isn't there has the name alone, and is left to the handler.
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

func (c *core) overlays() object[left4me.Name] {
	return c.named("/overlays/{name}", left4me.OverlayTarget)
}

func (c *core) blueprints() object[left4me.Name] {
	return c.named("/blueprints/{name}", left4me.BlueprintTarget)
}

// backups belong to the site.
func (c *core) backups() object[left4me.Name] {
	o := ofSite[left4me.Name]("/backups/{name}", "name", "backup")
	o.find = func(_ context.Context, _ accounts.Actor, text string) (left4me.Name, left4me.Target, error) {
		n, err := pathName(text)
		return n, left4me.Site, err
	}
	return o
}

// jobs have the target that they work on.
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

// uploads have the overlay that they are for as their target.
func (c *core) uploads() object[string] {
	return object[string]{
		path: "/uploads/{id}", param: "id", noun: "overlay",
		find: func(ctx context.Context, actor accounts.Actor, text string) (string, left4me.Target, error) {
			target, err := c.Uploads.Target(ctx, actor, text)
			return text, target, err
		},
	}
}

// ofSite is an object that belongs to the site, as the handler finds it.
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

// tokens are found among those that the actor may revoke.
func (c *core) tokens() object[string] {
	o := ofSite[string]("/tokens/{id}", "id", "token")
	o.ofSite, o.own = false, true
	return o
}

// asker is who sends a request. While an answer lasts it is found out anew: so what
// somebody may see in a stream is what they may see now.
type asker struct {
	actor  atomic.Pointer[accounts.Actor]
	first  accounts.Actor // what actor points to at the beginning, in one piece of memory
	permit permit
}

type (
	actorKey struct{}
	askerKey struct{}
)

// WithActor says who asks, to requests whose context comes from ctx: they need
// no token.
func WithActor(ctx context.Context, a accounts.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// withAsker is ctx for the handler of a request that actor may send.
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

// still finds out anew who sends a request whose answer lasts, and whether they may
// have more of it. ctx is that of the handler.
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

// visible reports whether whoever asks may see what has a name now.
func (c *core) visible(ctx context.Context, kind left4me.TargetKind, n left4me.Name) (bool, error) {
	target, err := c.Accounts.Target(ctx, kind, n)
	return err == nil && accounts.Allow(actorOf(ctx), see, target) == nil, err
}

// visibleNames are those of names, as of the servers that use something, whose targets
// whoever asks may see: a new list, never null.
func visibleNames(ctx context.Context, names []left4me.Name, target func(left4me.Name) left4me.Target) []left4me.Name {
	return accounts.Visible(actorOf(ctx), append([]left4me.Name{}, names...), target)
}

// visibleParts says whether whoever asks may see the blueprint and the overlays that they
// give to a server or a blueprint, but for what it has: a name that isn't seen is answered as one that
// isn't there. Errors: left4me.Invalid.
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

// readsSecrets reports whether whoever asks may read passwords that stand in the
// definition of a target, and in what its console, its jobs and its script hold.
func readsSecrets(ctx context.Context, target left4me.Target) bool {
	right := configure
	if target.Kind == left4me.SiteTarget {
		right = site
	}
	return accounts.Allow(actorOf(ctx), right, target) == nil
}

// shownTo returns what becomes of text of a target for the one who asks, at each call anew.
func shownTo(ctx context.Context, target left4me.Target) func(string) string {
	return func(s string) string {
		if readsSecrets(ctx, target) {
			return s
		}
		return left4me.HideSecrets(s)
	}
}
