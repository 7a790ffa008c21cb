package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// Overlay is a named piece of content: where its files come from, and what the
// host has of it.
type Overlay struct {
	Name       left4me.Name         `json:"name"`
	Kind       left4me.OverlayKind  `json:"kind" enum:"files,workshop,script,git,release"`
	Note       string               `json:"note" doc:"What it is for"`
	Workshop   *left4me.Workshop    `json:"workshop,omitempty" doc:"Of a workshop overlay"`
	Script     *left4me.Script      `json:"script,omitempty" doc:"Of a script overlay"`
	Git        *left4me.Git         `json:"git,omitempty" doc:"Of a git overlay"`
	Release    *left4me.Release     `json:"release,omitempty" doc:"Of a release overlay"`
	Refresh    left4me.Refresh      `json:"refresh" doc:"When it is brought up to date by itself"`
	Texts      string               `json:"texts,omitempty" doc:"as-is: builds leave texts that are UTF-16 or begin with a byte order mark as they come; absent: they are saved as UTF-8"`
	Moves      []left4me.FolderMove `json:"moves,omitempty" doc:"Folders of uploads and archives that go elsewhere than where they would; what an upload moves is remembered"`
	Cfg        []string             `json:"cfg" doc:"Lines for server.cfg of each server that stacks it"`
	Version    int                  `json:"version" doc:"Counts changes of the definition; a change says which one it is of. 0: it only lies on the host's disk so far"`
	CreatedAt  time.Time            `json:"created_at,omitzero"`
	UpdatedAt  time.Time            `json:"updated_at,omitzero"`
	LookedAt   time.Time            `json:"looked_at,omitzero" doc:"When somebody last looked for something newer"`
	DeletedAt  time.Time            `json:"deleted_at,omitzero" doc:"It is set aside, and can be taken back until gone_at of the content"`
	Content    left4me.Content      `json:"content" doc:"Its revisions on the host"`
	Problem    string               `json:"problem" doc:"Why the host could not be asked; then there is no content"`
	Job        *JobRef              `json:"job,omitempty" doc:"The one that is queued or runs"`
	Blueprints []left4me.Name       `json:"blueprints" doc:"That stack it"`
	Servers    []left4me.Name       `json:"servers" doc:"That stack it, by their blueprint or themselves"`
}

// overlayFor is an overlay with what only people see who may change it.
func overlayFor(ctx context.Context, v overlays.View) Overlay {
	if accounts.Allow(actorOf(ctx), accounts.Act) != nil {
		v.Overlay = v.Overlay.Public()
	}
	o := Overlay{
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
		o.Job = &JobRef{ID: v.Job.ID, Kind: v.Job.Kind, State: v.Job.State}
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

func (a *api) listOverlays(ctx context.Context, _ *none) ([]Overlay, error) {
	found, err := a.Content.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Overlay, len(found))
	for i, v := range found {
		all[i] = overlayFor(ctx, v)
	}
	return all, nil
}

func (a *api) showOverlay(ctx context.Context, in *ByName) (Overlay, error) {
	n, err := pathName(in.Name)
	if err != nil {
		return Overlay{}, err
	}
	v, err := a.Content.Get(ctx, n)
	if err != nil {
		return Overlay{}, err
	}
	return overlayFor(ctx, v), nil
}

// OverlayDefinition is what people say of an overlay. Of workshop, script, git
// and release only the one of its kind may be there.
type OverlayDefinition struct {
	Kind     string               `json:"kind" doc:"files, workshop, script, git or release"`
	Note     string               `json:"note,omitempty" doc:"What it is for"`
	Workshop *left4me.Workshop    `json:"workshop,omitempty"`
	Script   *left4me.Script      `json:"script,omitempty" doc:"Its version is counted by left4me; one that is sent is overlooked"`
	Git      *left4me.Git         `json:"git,omitempty"`
	Release  *left4me.Release     `json:"release,omitempty"`
	Refresh  left4me.Refresh      `json:"refresh,omitempty" doc:"When it is brought up to date by itself: hours between two looks (0 is never), at HH:MM of the host (empty is any time), restart of servers on the older revision (never, empty or HH:MM)"`
	Texts    string               `json:"texts,omitempty" doc:"as-is: builds leave texts that are UTF-16 or begin with a byte order mark as they come; absent: they are saved as UTF-8"`
	Moves    []left4me.FolderMove `json:"moves,omitempty" doc:"Folders of uploads and archives that go elsewhere than where they would; absent: as before"`
	Cfg      []string             `json:"cfg,omitempty" doc:"Lines for server.cfg of each server that stacks it"`
}

func (d OverlayDefinition) of(name left4me.Name) left4me.Overlay {
	return left4me.Overlay{
		Name: name, Kind: left4me.OverlayKind(d.Kind), Note: d.Note, Workshop: d.Workshop, Script: d.Script, Git: d.Git, Release: d.Release,
		Refresh: d.Refresh, Texts: d.Texts, Moves: d.Moves, Cfg: d.Cfg,
	}
}

// NewOverlay is what an overlay is created from.
type NewOverlay struct {
	Name string `json:"name"`
	OverlayDefinition
}

func (a *api) createOverlay(ctx context.Context, in *struct{ Body NewOverlay }) (Overlay, error) {
	v, err := a.Content.CreateOverlay(ctx, actorOf(ctx).Name, in.Body.of(left4me.Name(in.Body.Name)))
	if err != nil {
		return Overlay{}, err
	}
	return overlayFor(ctx, v), nil
}

// ChangedOverlay replaces a definition.
type ChangedOverlay struct {
	OverlayDefinition
	Version int `json:"version" doc:"The one that was looked at: when somebody else changed it since, nothing is changed"`
}

type changeOverlayInput struct {
	ByName
	Body ChangedOverlay
}

func (a *api) changeOverlay(ctx context.Context, in *changeOverlayInput) (Overlay, error) {
	n, err := pathName(in.Name)
	if err != nil {
		return Overlay{}, err
	}
	v := in.Body.of(n)
	v.Version = in.Body.Version
	changed, err := a.Content.UpdateOverlay(ctx, actorOf(ctx).Name, v)
	if err != nil {
		return Overlay{}, err
	}
	return overlayFor(ctx, changed), nil
}

func (a *api) deleteOverlay(ctx context.Context, in *ByName) (Job, error) {
	return a.onOverlay(ctx, in.Name, a.Content.DeleteOverlay)
}

func (a *api) restoreOverlay(ctx context.Context, in *ByName) (Job, error) {
	return a.onOverlay(ctx, in.Name, a.Content.RestoreOverlay)
}

// onOverlay asks for a job on an overlay.
func (a *api) onOverlay(ctx context.Context, name string, f func(context.Context, string, left4me.Name) (left4me.Job, error)) (Job, error) {
	n, err := pathName(name)
	if err != nil {
		return Job{}, err
	}
	v, err := f(ctx, actorOf(ctx).Name, n)
	return jobOf(v), err
}

// Build is what a build is asked for with.
type Build struct {
	Note    string           `json:"note,omitempty" doc:"Why; it stays with the revision"`
	Change  *FilesChange     `json:"change,omitempty" doc:"Of a files overlay"`
	Promote *left4me.Promote `json:"promote,omitempty" doc:"Of a files overlay: files that a server wrote"`
}

// FilesChange is an edit of a files overlay.
type FilesChange struct {
	Upload  string         `json:"upload,omitempty" doc:"The finished upload that has the new files"`
	Import  left4me.Import `json:"import,omitempty" doc:"How its archives and loose files are understood"`
	Replace bool           `json:"replace,omitempty" doc:"The upload is all there will be; else it goes over what is there"`
	Delete  []string       `json:"delete,omitempty" doc:"Paths of files or directories"`
	Once    bool           `json:"once,omitempty" doc:"The upload goes even when nothing comes of it, as who sent it has it still. Else it stays for a while, to be understood in another way"`
	Repair  []string       `json:"repair,omitempty" doc:"Texts of the current revision, or directories with some, in which that is repaired which the game or SourceMod reads otherwise than it looks; . is all of them. A change of its own, for overlays of all kinds"`
	Base    int            `json:"base,omitempty" doc:"The revision that was looked at: what was changed here and since is a conflict. -1: there was none. 0 doesn't care"`
}

// BuildInput asks for a build. It is exported as ByHost is.
type BuildInput struct {
	ByName
	Body *Build `required:"false"`
}

func (a *api) buildOverlay(ctx context.Context, in *BuildInput) (Job, error) {
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

func (a *api) collectContent(ctx context.Context, _ *none) (Job, error) {
	v, err := a.Content.Collect(ctx, actorOf(ctx).Name)
	return jobOf(v), err
}
