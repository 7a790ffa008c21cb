package api

import (
	"context"
	"fmt"
	"strconv"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// ByRevision is the number of a revision in the path. Like Paging, it is exported for huma.
type ByRevision struct {
	Revision string `path:"revision" maxLength:"20" doc:"Number of a revision; current or 0: the one that servers start with"`
}

// read returns the number, which is 0 for the current revision.
func (in ByRevision) read() (int, error) {
	if in.Revision == "current" {
		return 0, nil
	}
	rev, err := strconv.Atoi(in.Revision)
	if err != nil || rev < 0 || strconv.Itoa(rev) != in.Revision {
		return 0, left4me.NewError(left4me.Invalid, "revision.invalid", "revision", in.Revision).InField("path.revision")
	}
	return rev, nil
}

func (a overlayRoutes) showRevision(ctx context.Context, n left4me.Name, in *ByRevision) (left4me.Content, error) {
	rev, err := in.read()
	if err != nil {
		return left4me.Content{}, err
	}
	v, err := a.core.Overlays.Revisions().Get(ctx, n, rev)
	return contentFor(ctx, v), err
}

// onRevision calls f for a revision that must be given by its number.
func onRevision(ctx context.Context, n left4me.Name, in ByRevision,
	f func(context.Context, left4me.Actor, left4me.Name, int) (left4me.Content, error),
) (left4me.Content, error) {
	rev, err := in.read()
	if err == nil && rev == 0 {
		err = left4me.NewError(left4me.Invalid, "revision.needed").InField("path.revision")
	}
	if err != nil {
		return left4me.Content{}, err
	}
	v, err := f(ctx, actorOf(ctx).Cause(), n, rev)
	return contentFor(ctx, v), err
}

func (a overlayRoutes) useRevision(ctx context.Context, n left4me.Name, in *ByRevision) (left4me.Content, error) {
	return onRevision(ctx, n, *in, a.core.Overlays.Revisions().Use)
}

func (a overlayRoutes) dropRevision(ctx context.Context, n left4me.Name, in *ByRevision) (left4me.Content, error) {
	return onRevision(ctx, n, *in, a.core.Overlays.Revisions().Drop)
}

type labelInput struct {
	ByRevision
	Body apitype.RevisionLabel
}

func (a overlayRoutes) labelRevision(ctx context.Context, n left4me.Name, in *labelInput) (left4me.Content, error) {
	return onRevision(ctx, n, in.ByRevision, func(ctx context.Context, by left4me.Actor, n left4me.Name, rev int) (left4me.Content, error) {
		return a.core.Overlays.Revisions().Label(ctx, by, n, rev, in.Body.Label)
	})
}

type revisionFilesInput struct {
	ByRevision
	FilterInput
}

func (a overlayRoutes) listFiles(ctx context.Context, n left4me.Name, in *revisionFilesInput) (left4me.Page[left4me.TreeFile], error) {
	rev, err := in.read()
	if err != nil {
		return left4me.Page[left4me.TreeFile]{}, err
	}
	p, err := a.core.Overlays.Revisions().Tree(ctx, n, rev, in.filter())
	return pageOf(p), err
}

type revisionFileInput struct {
	ByRevision
	Path   string `query:"path" required:"true" maxLength:"4096"`
	Inside string `query:"inside" maxLength:"4096" doc:"File inside the VPK at path"`
}

func (a overlayRoutes) showFile(ctx context.Context, n left4me.Name, in *revisionFileInput) (apitype.RevisionFile, error) {
	rev, err := in.read()
	if err != nil {
		return apitype.RevisionFile{}, err
	}
	v, err := a.core.Overlays.Revisions().File(ctx, n, rev, in.Path, in.Inside)
	if err != nil {
		return apitype.RevisionFile{}, err
	}
	text, err := a.core.textOf(ctx, v.Size, v.Data)
	return apitype.RevisionFile{Revision: v.Revision, Path: in.Path, Size: v.Size, Hash: v.Hash, Data: v.Data, FileText: text}, err
}

type diffInput struct {
	From  int    `query:"from" minimum:"0" doc:"Revision to compare from; 0: an empty overlay"`
	To    int    `query:"to" minimum:"0" doc:"Revision to compare to; 0: the current one"`
	After string `query:"after" maxLength:"4096" doc:"Value of next from the previous page"`
	Limit int    `query:"limit" default:"200" minimum:"1" maximum:"1000"`
}

func (a overlayRoutes) diffOverlay(ctx context.Context, n left4me.Name, in *diffInput) (left4me.Page[left4me.FileChange], error) {
	p, err := a.core.Overlays.Revisions().Diff(ctx, n, in.From, in.To, in.After, in.Limit)
	return pageOf(p), err
}

func (a overlayRoutes) listScripts(ctx context.Context, n left4me.Name, _ *ListInput) ([]apitype.ScriptVersion, error) {
	found, err := a.core.Overlays.Scripts(ctx, n)
	if err != nil {
		return nil, err
	}
	all, shown := make([]apitype.ScriptVersion, len(found)), shownTo(ctx, left4me.OnOverlay(n))
	for i, v := range found {
		all[i] = apitype.ScriptVersion(v)
		all[i].Text = shown(v.Text)
	}
	return all, nil
}

type textInput struct {
	Body apitype.WorkshopText
}

func (a overlayRoutes) parseWorkshop(_ context.Context, in *textInput) (apitype.WorkshopIDs, error) {
	ids, bad := overlays.ParseWorkshop(in.Body.Text)
	return apitype.WorkshopIDs{IDs: append([]left4me.WorkshopID{}, ids...), Bad: append([]string{}, bad...)}, nil
}

func (a overlayRoutes) lookUpWorkshop(ctx context.Context, in *struct{ Body left4me.Workshop }) ([]left4me.WorkshopState, error) {
	v, err := a.core.Overlays.LookUp(ctx, in.Body)
	if v == nil {
		v = []left4me.WorkshopState{}
	}
	return v, err
}

// byScriptVersion orders a script's versions newest first.
var byScriptVersion = order[apitype.ScriptVersion]{
	key:  func(v apitype.ScriptVersion) string { return fmt.Sprintf("%09d", v.Version) },
	down: true,
}
