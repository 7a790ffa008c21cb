package api

import (
	"context"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/left4me"
)

// overlayRoutes handles requests about overlays and their revisions.
type overlayRoutes struct{ core *core }

// overlayFor converts an overlay, including the fields that only users with edit rights may see.
func overlayFor(ctx context.Context, v overlays.View) apitype.Overlay {
	if !readsSecrets(ctx, v.Target()) {
		v.Overlay = v.Overlay.Public()
	}
	o := apitype.Overlay{
		ID: v.ID, Name: v.Name, Kind: v.Kind, Note: v.Note, Workshop: v.Workshop, Script: v.Script, Git: v.Git, Release: v.Release,
		Refresh: v.Refresh,
		Texts:   v.Texts, Moves: v.Moves, Cfg: append([]string{}, v.Cfg...), Version: v.Version, NameOnHost: v.HostName,
		CreatedAt: v.CreatedAt,
		UpdatedAt: v.UpdatedAt,
		CheckedAt: v.CheckedAt, DeletedAt: v.DeletedAt, Content: contentFor(ctx, v.Content), Problem: v.Problem,
		Blueprints: visibleNames(ctx, v.Blueprints, left4me.OnBlueprint), Servers: visibleNames(ctx, v.Servers, left4me.OnServer),
	}
	if o.Workshop != nil && o.Workshop.Entries == nil {
		w := *o.Workshop
		w.Entries = []left4me.WorkshopEntry{}
		o.Workshop = &w
	}
	if v.Job != nil {
		o.Job = &apitype.JobRef{ID: v.Job.ID, Kind: v.Job.Kind, State: v.Job.State}
	}
	return o
}

// contentFor replaces nil lists by empty ones and removes servers that the actor may not see.
func contentFor(ctx context.Context, v left4me.Content) left4me.Content {
	v.Revisions = append([]left4me.Revision{}, v.Revisions...)
	for i := range v.Revisions {
		v.Revisions[i].Campaigns = campaignsOf(v.Revisions[i].Campaigns)
		v.Revisions[i].Servers = visibleNames(ctx, v.Revisions[i].Servers, left4me.OnServer)
	}
	return v
}

func (a overlayRoutes) listOverlays(ctx context.Context, _ *ListInput) ([]apitype.Overlay, error) {
	found, err := a.core.Overlays.List(ctx)
	if err != nil {
		return nil, err
	}
	found = accounts.Visible(actorOf(ctx), found, func(v overlays.View) left4me.Target { return v.Target() })
	all := make([]apitype.Overlay, len(found))
	for i, v := range found {
		all[i] = overlayFor(ctx, v)
	}
	return all, nil
}

func (a overlayRoutes) showOverlay(ctx context.Context, n left4me.Name, _ *none) (apitype.Overlay, error) {
	v, err := a.core.Overlays.Get(ctx, n)
	if err != nil {
		return apitype.Overlay{}, err
	}
	return overlayFor(ctx, v), nil
}

func definitionOf(name left4me.Name, d apitype.OverlayDefinition) left4me.Overlay {
	return left4me.Overlay{
		Name: name, Kind: left4me.OverlayKind(d.Kind), Note: d.Note, Workshop: d.Workshop, Script: d.Script, Git: d.Git, Release: d.Release,
		Refresh: d.Refresh, Texts: d.Texts, Moves: d.Moves, Cfg: d.Cfg,
	}
}

func (a overlayRoutes) createOverlay(ctx context.Context, in *struct{ Body apitype.NewOverlay }) (apitype.Overlay, error) {
	v, err := a.core.Overlays.Create(ctx, actorOf(ctx).Cause(), definitionOf(left4me.Name(in.Body.Name), in.Body.OverlayDefinition))
	if err != nil {
		return apitype.Overlay{}, err
	}
	return overlayFor(ctx, v), nil
}

type changeOverlayInput struct {
	Body apitype.ChangedOverlay
}

func (a overlayRoutes) changeOverlay(ctx context.Context, n left4me.Name, in *changeOverlayInput) (apitype.Overlay, error) {
	v := definitionOf(n, in.Body.OverlayDefinition)
	v.Version = in.Body.Version
	changed, err := a.core.Overlays.Update(ctx, actorOf(ctx).Cause(), v)
	if err != nil {
		return apitype.Overlay{}, err
	}
	return overlayFor(ctx, changed), nil
}

func (a overlayRoutes) renameOverlay(ctx context.Context, n left4me.Name, in *struct{ Body apitype.NewName }) (apitype.Overlay, error) {
	v, err := a.core.Overlays.Rename(ctx, actorOf(ctx).Cause(), n, left4me.Name(in.Body.Name), in.Body.Version)
	if err != nil {
		return apitype.Overlay{}, err
	}
	return overlayFor(ctx, v), nil
}

func (a overlayRoutes) deleteOverlay(ctx context.Context, n left4me.Name, _ *none) (apitype.Job, error) {
	return a.onOverlay(ctx, n, a.core.Overlays.Delete)
}

func (a overlayRoutes) restoreOverlay(ctx context.Context, n left4me.Name, _ *none) (apitype.Job, error) {
	return a.onOverlay(ctx, n, a.core.Overlays.Restore)
}

// onOverlay creates a job on an overlay by calling f.
func (a overlayRoutes) onOverlay(ctx context.Context, n left4me.Name,
	f func(context.Context, left4me.Actor, left4me.Name) (left4me.Job, error)) (apitype.Job,
	error,
) {
	v, err := f(ctx, actorOf(ctx).Cause(), n)
	return jobFor(ctx, v), err
}

// BuildInput is the request for a build. Like ByRevision, it is exported for huma.
type BuildInput struct {
	Body *apitype.Build `required:"false"`
}

func (a overlayRoutes) buildOverlay(ctx context.Context, n left4me.Name, in *BuildInput) (apitype.Job, error) {
	var r overlays.Request
	if b := in.Body; b != nil {
		r = overlays.Request{Note: b.Note, Change: (*left4me.Change)(b.Change), Promote: b.Promote}
	}
	return a.onOverlay(ctx, n, func(ctx context.Context, by left4me.Actor, n left4me.Name) (left4me.Job, error) {
		if in.Body != nil {
			var err error
			if r.From, err = a.takes(ctx, in.Body.Promote); err != nil {
				return left4me.Job{}, err
			}
			if err := a.uploaded(ctx, actorOf(ctx), n, in.Body.Change); err != nil {
				return left4me.Job{}, err
			}
		}
		return a.core.Overlays.Build(ctx, by, n, r)
	})
}

// takes checks whether the actor may promote files of a server, and returns the id of the server
// for which that is true.
func (a overlayRoutes) takes(ctx context.Context, p *left4me.Promote) (left4me.ID, error) {
	if p == nil {
		return "", nil
	}
	server, err := a.core.Accounts.Target(ctx, left4me.ServerTarget, p.Server)
	if err != nil {
		return "", err
	}
	if server.ID == "" || accounts.Allow(actorOf(ctx), see, server) != nil {
		return "", left4me.NewError(left4me.Invalid, "server.unknown", "server", string(p.Server)).InField("promote.server")
	}
	return server.ID, accounts.Allow(actorOf(ctx), content, server)
}

func (a overlayRoutes) collectContent(ctx context.Context, _ *none) (apitype.Job, error) {
	v, err := a.core.Overlays.Collect(ctx, actorOf(ctx).Cause())
	return jobFor(ctx, v), err
}

func restartFor(ctx context.Context, v *overlays.Restart) apitype.OverlayRestart {
	r := apitype.OverlayRestart{
		Overlay: v.Overlay, Revision: v.Revision, Mode: v.Mode, State: v.State, CreatedAt: v.CreatedAt, EndedAt: v.EndedAt,
	}
	r.Servers, r.Reason = movesFor(ctx, v.Moves, v.Wishes, v.Reason)
	return r
}

// movesFor returns the servers of a rollout that the actor may see, and the reason why the rollout
// ended.
func movesFor(ctx context.Context, moves []rolloutrules.Move, wishes []rolloutrules.Wish, reason left4me.Note) ([]apitype.Move, string) {
	moves, wishes, reason = rolloutrules.Visible(actorOf(ctx), moves, wishes, reason)
	all := make([]apitype.Move, 0, len(moves)+len(wishes))
	for _, m := range moves {
		all = append(all, apitype.Move{Server: m.Server, State: m.State, Reason: m.Reason.String(), Job: m.Job})
	}
	for _, w := range wishes {
		all = append(all, apitype.Move{Server: w.Server, State: rolloutrules.Wants, Reason: w.Why.String()})
	}
	return all, reason.String()
}

func (a overlayRoutes) showOverlayRestart(ctx context.Context, n left4me.Name, _ *none) (apitype.OverlayRestart, error) {
	v, err := a.core.Overlays.Restart(ctx, n)
	if err == nil && v == nil {
		err = left4me.NewError(left4me.NotFound, "overlay.never_rolled_out", "overlay", n)
	}
	if err != nil {
		return apitype.OverlayRestart{}, err
	}
	return restartFor(ctx, v), nil
}

func (a overlayRoutes) cancelOverlayRestart(ctx context.Context, n left4me.Name, _ *none) (apitype.OverlayRestart, error) {
	v, err := a.core.Overlays.CancelRestart(ctx, actorOf(ctx).Cause(), n)
	if err != nil {
		return apitype.OverlayRestart{}, err
	}
	return restartFor(ctx, v), nil
}

// byOverlayName orders overlays by name, deleted ones last.
var byOverlayName = order[apitype.Overlay]{key: func(v apitype.Overlay) string {
	if v.DeletedAt.IsZero() {
		return string(v.Name)
	}
	return "~" + string(v.Name) // sorts after every character that a name may contain
}}
