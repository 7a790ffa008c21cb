package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// overlayFor is an overlay with what only people see who may change it.
func overlayFor(ctx context.Context, v overlays.View) apitype.Overlay {
	if accounts.Allow(actorOf(ctx), accounts.Act, left4me.Site) != nil {
		v.Overlay = v.Overlay.Public()
	}
	o := apitype.Overlay{
		Name: v.Name, Kind: v.Kind, Note: v.Note, Workshop: v.Workshop, Script: v.Script, Git: v.Git, Release: v.Release,
		Refresh: v.Refresh,
		Texts:   v.Texts, Moves: v.Moves, Cfg: append([]string{}, v.Cfg...), Version: v.Version, CreatedAt: v.CreatedAt,
		UpdatedAt: v.UpdatedAt,
		LookedAt:  v.LookedAt, DeletedAt: v.DeletedAt, Content: contentOf(v.Content), Problem: v.Problem,
		Blueprints: append([]left4me.Name{}, v.Blueprints...), Servers: append([]left4me.Name{}, v.Servers...),
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

// contentOf never gives null for a list.
func contentOf(v left4me.Content) left4me.Content {
	v.Revisions = append([]left4me.Revision{}, v.Revisions...)
	for i := range v.Revisions {
		v.Revisions[i].Campaigns = campaignsOf(v.Revisions[i].Campaigns)
	}
	return v
}

// overlayRoutes are those of overlays, their revisions and what is on the disk.
func (a *api) overlayRoutes(h huma.API) {
	get, post, put, del := http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	look, act := accounts.Look, accounts.Act

	route(h, get, "/overlays", "listOverlays", look, 200, "List overlays, deleted ones at the end", a.listOverlays)
	route(h, post, "/overlays", "createOverlay", act, 201, "Create an overlay; nothing is built yet", a.createOverlay)
	route(h, get, "/overlays/{name}", "showOverlay", look, 200, "Show an overlay", a.showOverlay)
	route(h, put, "/overlays/{name}", "changeOverlay", act, 200, "Change what an overlay is made of; nothing is built yet", a.changeOverlay)
	route(h, del, "/overlays/{name}", "deleteOverlay", act, 202, "Delete an overlay; it can be taken back for some days", a.deleteOverlay)
	route(h, post, "/overlays/{name}/restore", "restoreOverlay", act, 202, "Take a deleted overlay back", a.restoreOverlay)
	route(h, post, "/overlays/{name}/build", "buildOverlay", act, 202, "Make a revision of an overlay, if anything changed", a.buildOverlay)
	route(h, get, "/overlays/{name}/scripts", "listScripts", look, 200, "List the versions of a script, newest first", a.listScripts)
	route(h, get, "/overlays/{name}/diff", "diffOverlay", look, 200, "Say how two revisions differ", a.diffOverlay)
	route(h, get, "/overlays/{name}/revisions/{revision}", "showRevision", look, 200,
		"Show a revision with its warnings, campaigns and items", a.showRevision)
	route(h, post, "/overlays/{name}/revisions/{revision}/use", "useRevision", act, 200, "Let servers start with a revision", a.useRevision)
	route(h, put, "/overlays/{name}/revisions/{revision}/label", "labelRevision", act, 200, "Name a revision", a.labelRevision)
	route(h, del, "/overlays/{name}/revisions/{revision}", "dropRevision", act, 200, "Remove a revision that nothing uses", a.dropRevision)
	route(h, get, "/overlays/{name}/revisions/{revision}/files", "listRevisionFiles", look, 200, "List the files of a revision",
		a.listFiles)
	route(h, get, "/overlays/{name}/revisions/{revision}/file", "showRevisionFile", act, 200, "Read a file of a revision",
		a.showFile) // passwords of plugins stand in some
	route(h, put, "/overlays/{name}/file", "putOverlayFile", act, 202, "Make a revision with one small file more, or another one",
		a.putFile)
	route(h, get, "/overlays/{name}/moves", "showOverlayRestart", look, 200,
		"Show how servers move over to a revision that came by itself", a.showOverlayRestart)
	route(h, del, "/overlays/{name}/moves", "cancelOverlayRestart", act, 200, "Leave servers that have not moved over as they are",
		a.cancelOverlayRestart)
	route(h, post, "/workshop/parse", "parseWorkshop", look, 200, "Find workshop items in a text", a.parseWorkshop)
	route(h, post, "/workshop/lookup", "lookUpWorkshop", act, 200, "Ask Steam about workshop items", a.lookUpWorkshop)
	route(h, post, "/content/collect", "collectContent", act, 202, "Remove revisions and downloads that nothing needs", a.collectContent)
}

func (a *api) listOverlays(ctx context.Context, _ *none) ([]apitype.Overlay, error) {
	found, err := a.Content.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]apitype.Overlay, len(found))
	for i, v := range found {
		all[i] = overlayFor(ctx, v)
	}
	return all, nil
}

func (a *api) showOverlay(ctx context.Context, in *ByName) (apitype.Overlay, error) {
	n, err := pathName(in.Name)
	if err != nil {
		return apitype.Overlay{}, err
	}
	v, err := a.Content.Get(ctx, n)
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

func (a *api) createOverlay(ctx context.Context, in *struct{ Body apitype.NewOverlay }) (apitype.Overlay, error) {
	v, err := a.Content.Create(ctx, actorOf(ctx).Name, definitionOf(left4me.Name(in.Body.Name), in.Body.OverlayDefinition))
	if err != nil {
		return apitype.Overlay{}, err
	}
	return overlayFor(ctx, v), nil
}

type changeOverlayInput struct {
	ByName
	Body apitype.ChangedOverlay
}

func (a *api) changeOverlay(ctx context.Context, in *changeOverlayInput) (apitype.Overlay, error) {
	n, err := pathName(in.Name)
	if err != nil {
		return apitype.Overlay{}, err
	}
	v := definitionOf(n, in.Body.OverlayDefinition)
	v.Version = in.Body.Version
	changed, err := a.Content.Update(ctx, actorOf(ctx).Name, v)
	if err != nil {
		return apitype.Overlay{}, err
	}
	return overlayFor(ctx, changed), nil
}

func (a *api) deleteOverlay(ctx context.Context, in *ByName) (apitype.Job, error) {
	return a.onOverlay(ctx, in.Name, a.Content.Delete)
}

func (a *api) restoreOverlay(ctx context.Context, in *ByName) (apitype.Job, error) {
	return a.onOverlay(ctx, in.Name, a.Content.Restore)
}

// onOverlay asks for a job on an overlay.
func (a *api) onOverlay(ctx context.Context, name string, f func(context.Context, string, left4me.Name) (left4me.Job, error)) (apitype.Job,
	error,
) {
	n, err := pathName(name)
	if err != nil {
		return apitype.Job{}, err
	}
	v, err := f(ctx, actorOf(ctx).Name, n)
	return jobOf(v), err
}

// BuildInput asks for a build. It is exported as ByHost is.
type BuildInput struct {
	ByName
	Body *apitype.Build `required:"false"`
}

func (a *api) buildOverlay(ctx context.Context, in *BuildInput) (apitype.Job, error) {
	var r overlays.Request
	if b := in.Body; b != nil {
		r = overlays.Request{Note: b.Note, Change: (*left4me.Change)(b.Change), Promote: b.Promote}
	}
	return a.onOverlay(ctx, in.Name, func(ctx context.Context, by string, n left4me.Name) (left4me.Job, error) {
		if in.Body != nil {
			if err := a.uploaded(ctx, actorOf(ctx), n, in.Body.Change); err != nil {
				return left4me.Job{}, err
			}
		}
		return a.Content.Build(ctx, by, n, r)
	})
}

func (a *api) collectContent(ctx context.Context, _ *none) (apitype.Job, error) {
	v, err := a.Content.Collect(ctx, actorOf(ctx).Name)
	return jobOf(v), err
}
