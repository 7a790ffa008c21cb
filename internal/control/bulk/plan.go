package bulk

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// Request names the servers to start, stop or restart, and when. Exactly one of Servers, Blueprint and
// All selects them; NeedsRestart restricts the selection.
type Request struct {
	Kind         left4me.JobKind
	Mode         Mode
	Servers      []left4me.Name
	Blueprint    left4me.Name // all servers that use it
	All          bool         // all servers that the user may see
	NeedsRestart bool         // of these, the servers that need a restart
}

// Item is a server of a plan.
type Item struct {
	servers.View
	Skip *left4me.Error // reason why the server would be skipped; nil if it would be changed
}

// Plan describes the effect of a request on each server, in processing order.
type Plan struct {
	Request
	Items []Item
}

// Changed returns the servers that would be started, stopped or restarted.
func (p Plan) Changed() []servers.View {
	var all []servers.View
	for _, i := range p.Items {
		if i.Skip == nil {
			all = append(all, i.View)
		}
	}
	return all
}

// Players returns the number of players on the servers that would be stopped or restarted, and the number
// of servers with players.
func (p Plan) Players() (people, on int) {
	if p.Kind == left4me.StartServer {
		return 0, 0
	}
	for _, v := range p.Changed() {
		if n := v.Status.Players; n > 0 {
			people, on = people+n, on+1
		}
	}
	return people, on
}

// nothing returns the reason why a plan changes no server.
func (p Plan) nothing() error {
	if len(p.Items) > 0 {
		if first := p.Items[0].Skip; first != nil && (len(p.Items) == 1 || errors.Is(first, left4me.Denied)) {
			return first
		}
	}
	switch p.Kind {
	case left4me.StartServer:
		return left4me.NewError(left4me.Conflict, "bulk.nothing_to_start")
	case left4me.StopServer:
		return left4me.NewError(left4me.Conflict, "bulk.nothing_to_stop")
	}
	return left4me.NewError(left4me.Conflict, "bulk.nothing_to_restart")
}

// NeedsRestart reports whether a running server has to be restarted for its settings, its overlays or
// the current build of the game.
func NeedsRestart(v servers.View) bool {
	return v.RestartRequired || v.NewBuild > 0 || len(v.NewContent) > 0
}

// Plan returns the effect that a request would have, and changes nothing. Errors: left4me.Invalid;
// left4me.NotFound for a server or blueprint that does not exist or that the actor may not see.
func (b *Bulk) Plan(ctx context.Context, who accounts.Actor, r Request) (Plan, error) {
	p := Plan{Request: r}
	if err := r.check(); err != nil {
		return p, err
	}
	if err := b.seesBlueprint(ctx, who, r.Blueprint); err != nil {
		return p, err
	}
	all, err := b.servers.List(ctx)
	if err != nil {
		return p, err
	}
	all = accounts.Visible(who, all, func(v servers.View) left4me.Target { return v.Target() })
	for _, name := range r.Servers {
		if !slices.ContainsFunc(all, func(v servers.View) bool { return v.Name == name }) {
			return p, left4me.NoSuch("server", string(name))
		}
	}
	for _, v := range all {
		if !r.All && v.Blueprint != r.Blueprint && !slices.Contains(r.Servers, v.Name) || r.NeedsRestart && !NeedsRestart(v) {
			continue
		}
		p.Items = append(p.Items, Item{v, skip(who, r, v)})
	}
	slices.SortStableFunc(p.Items, func(a, b Item) int { return cmp.Compare(a.Status.Players, b.Status.Players) })
	return p, nil
}

// check checks the parts of a request that do not depend on the servers.
func (r Request) check() error {
	selected := 0
	for _, is := range []bool{len(r.Servers) > 0, r.Blueprint != "", r.All} {
		if is {
			selected++
		}
	}
	switch {
	case !slices.Contains(Kinds, r.Kind):
		return left4me.NewError(left4me.Invalid, "bulk.action_invalid", "action", r.Kind.Verb()).InField("action")
	case !slices.Contains(ModesOf(r.Kind), r.Mode):
		return left4me.NewError(left4me.Invalid, "bulk.mode_invalid", "action", r.Kind.Verb(), "mode", string(r.Mode)).InField("mode")
	case selected != 1:
		return left4me.NewError(left4me.Invalid, "bulk.selection").InField("servers")
	}
	return nil
}

// seesBlueprint checks that a blueprint exists and that the actor may see it.
func (b *Bulk) seesBlueprint(ctx context.Context, who accounts.Actor, name left4me.Name) error {
	if name == "" {
		return nil
	}
	if _, err := b.storage.Blueprints().Get(ctx, name); err != nil {
		return err
	}
	if accounts.Allow(who, accounts.See, left4me.OnBlueprint(name)) != nil {
		return left4me.NoSuch("blueprint", string(name))
	}
	return nil
}

// skip returns the reason why a server would be skipped, or nil.
func skip(who accounts.Actor, r Request, v servers.View) *left4me.Error {
	if err := accounts.Allow(who, accounts.Operate, v.Target()); err != nil {
		return left4me.Shown(err, left4me.NewError(left4me.Denied, "right.nobody"))
	}
	return needless(r.Kind, v)
}

// needless returns the reason why a job of the kind would not change a server, or nil.
func needless(kind left4me.JobKind, v servers.View) *left4me.Error {
	st := v.Status.State
	switch {
	case v.Job != nil && v.Job.Kind == left4me.DeleteServer:
		return left4me.NewError(left4me.Conflict, "server.being_deleted", "server", v.Name)
	case kind == left4me.StartServer && st.Up():
		return left4me.NewError(left4me.Conflict, "bulk.already_running")
	case kind == left4me.StopServer && st == left4me.Stopped && v.Wanted != left4me.WantRunning:
		return left4me.NewError(left4me.Conflict, "bulk.already_stopped")
	case kind == left4me.RestartServer && !st.Up():
		return left4me.NewError(left4me.Conflict, "bulk.not_running")
	}
	return nil
}
