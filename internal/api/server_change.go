package api

import (
	"cmp"
	"context"
	"slices"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

func (a serverRoutes) updateServer(ctx context.Context, name left4me.Name, in *struct {
	Body apitype.ServerDefinition
},
) (apitype.GameServer, error) {
	overlays, err := parseRefs("overlays", in.Body.Overlays)
	if err != nil {
		return apitype.GameServer{}, err
	}
	have, err := a.core.Servers.Get(ctx, name)
	if err != nil {
		return apitype.GameServer{}, err
	}
	if err := a.core.visibleParts(ctx, in.Body.Blueprint, overlays, have.Server); err != nil {
		return apitype.GameServer{}, err
	}
	v, err := a.core.Servers.Update(ctx, actorOf(ctx).Cause(), left4me.Server{
		Name: name, Version: in.Body.Version, Port: in.Body.Port, Blueprint: left4me.Name(in.Body.Blueprint), Overlays: overlays,
		Settings:  in.Body.Settings,
		Autostart: left4me.Autostart(in.Body.Autostart),
	})
	return a.whole(ctx, v, err)
}

func (a serverRoutes) renameServer(ctx context.Context, name left4me.Name, in *struct{ Body apitype.NewName }) (apitype.GameServer,
	error,
) {
	v, err := a.core.Servers.Names().Rename(ctx, actorOf(ctx).Cause(), name, left4me.Name(in.Body.Name), in.Body.Version)
	return a.whole(ctx, v, err)
}

func (a serverRoutes) serverConfig(ctx context.Context, name left4me.Name, _ *none) (apitype.ConfigDiff, error) {
	d := apitype.ConfigDiff{Files: []apitype.ConfigFile{}}
	files, err := a.core.Servers.Files().ConfigDiff(ctx, name)
	if err != nil {
		return d, err
	}
	for _, f := range files {
		d.Changed = d.Changed || f.Running != f.Next
		d.Files = append(d.Files, apitype.ConfigFile{Path: f.Path, Running: f.Running, Next: f.Next})
	}
	return d, nil
}

// deletedTarget returns a deleted server as a target.
func deletedTarget(v servers.DeletedView) left4me.Target { return v.Target() }

func deletedFor(v servers.DeletedView) apitype.DeletedServer {
	d := apitype.DeletedServer{
		ID: v.ID, Name: v.Name, Host: v.Host, Port: v.Port, Blueprint: v.Blueprint, Overlays: refsOf(v.Overlays), Bytes: v.Bytes,
		DeletedAt: v.DeletedAt, DeletedBy: v.DeletedBy.String(), GoneAt: v.GoneAt, Backup: v.Backup,
		NewPort: v.Return.PortBy != "", Missing: refsOf(v.Return.Missing),
	}
	if v.Return.Name != v.Name {
		d.NewName = v.Return.Name
	}
	return d
}

// listDeleted lists the deleted servers. Pages continue after an id.
func (a serverRoutes) listDeleted(ctx context.Context, in *pagingInput) (left4me.Page[apitype.DeletedServer], error) {
	views, err := a.core.Servers.Deleted().List(ctx)
	if err != nil {
		return left4me.Page[apitype.DeletedServer]{}, err
	}
	views = accounts.Visible(actorOf(ctx), views, deletedTarget)
	p := left4me.Page[apitype.DeletedServer]{Items: []apitype.DeletedServer{}, Total: len(views)}
	from := 1 + slices.IndexFunc(views, func(v servers.DeletedView) bool { return string(v.ID) == in.After })
	for _, v := range views[from:min(from+in.Limit, len(views))] {
		p.Items = append(p.Items, deletedFor(v))
	}
	if from+in.Limit < len(views) {
		p.Next = string(views[from+in.Limit-1].ID)
	}
	return p, nil
}

func (a serverRoutes) restoreServer(ctx context.Context, id left4me.ID, in *struct {
	Body *apitype.RestoreServer `required:"false"`
},
) (apitype.RestoredServer, error) {
	var b apitype.RestoreServer
	if in.Body != nil {
		b = *in.Body
	}
	v, err := a.core.Servers.Deleted().Restore(ctx, actorOf(ctx).Cause(), id, left4me.Name(b.Name), b.Port)
	if err != nil {
		return apitype.RestoredServer{}, err
	}
	r := apitype.RestoredServer{Missing: refsOf(v.Return.Missing)}
	if v.Before.Name != v.Name {
		r.FormerName = v.Before.Name
	}
	if v.Before.Port != v.Port {
		r.FormerPort = v.Before.Port
	}
	if v.Before.Blueprint != v.Blueprint {
		r.FormerBlueprint = v.Before.Blueprint
	}
	r.Server, err = a.whole(ctx, v.View, nil)
	return r, err
}

func (a serverRoutes) removeDeleted(ctx context.Context, id left4me.ID, _ *none) (apitype.Deleted, error) {
	v, err := a.core.Servers.Deleted().Remove(ctx, actorOf(ctx).Cause(), id)
	return apitype.Deleted{Name: v.Name}, err
}

// bulkRequestOf converts a request about several servers.
func bulkRequestOf(b apitype.BulkRequest) (bulk.Request, error) {
	r := bulk.Request{
		Kind: left4me.JobKind("server." + b.Action), Mode: cmp.Or(bulk.Mode(b.Mode), bulk.Now), Blueprint: left4me.Name(b.Blueprint),
		All: b.All, NeedsRestart: b.NeedsRestart,
	}
	for _, text := range b.Servers {
		n, err := left4me.ParseName(text)
		if err != nil {
			return r, left4me.NoSuch("server", text)
		}
		r.Servers = append(r.Servers, n)
	}
	return r, nil
}

func (a serverRoutes) planBulk(ctx context.Context, in *struct{ Body apitype.BulkRequest }) (apitype.BulkPlan, error) {
	out := apitype.BulkPlan{Servers: []apitype.BulkPlanServer{}}
	r, err := bulkRequestOf(in.Body)
	if err != nil {
		return out, err
	}
	plan, err := a.core.Bulk.Plan(ctx, actorOf(ctx), r)
	if err != nil {
		return out, err
	}
	out.Players, _ = plan.Players()
	for _, i := range plan.Items {
		v := apitype.BulkPlanServer{
			Server: i.Name, State: i.Status.State, Players: i.Status.Players, Online: []string{}, Skip: rendered(i.Skip),
		}
		for _, o := range i.Status.Online {
			if !o.Bot && o.Name != "" {
				v.Online = append(v.Online, o.Name)
			}
		}
		out.Servers = append(out.Servers, v)
	}
	return out, nil
}

func (a serverRoutes) startBulk(ctx context.Context, in *struct{ Body apitype.BulkRequest }) (apitype.BulkAct, error) {
	r, err := bulkRequestOf(in.Body)
	if err != nil {
		return apitype.BulkAct{}, err
	}
	v, err := a.core.Bulk.Start(ctx, actorOf(ctx), r)
	return bulkActOf(v), err
}

func bulkActOf(v bulk.Act) apitype.BulkAct {
	out := apitype.BulkAct{
		ID: v.ID, Action: v.Kind.Verb(), Mode: v.Mode, State: v.State, By: v.By.String(), CancelledBy: v.CancelledBy,
		CreatedAt: v.CreatedAt, EndedAt: v.EndedAt, Servers: []apitype.BulkServer{},
	}
	for _, s := range v.Servers {
		out.Servers = append(out.Servers, apitype.BulkServer{
			Server: s.Name, State: cmp.Or(s.State, "waiting"), Job: s.Job, Why: rendered(s.Why),
		})
	}
	return out
}

func (a serverRoutes) listBulk(ctx context.Context, in *Paging) (left4me.Page[apitype.BulkAct], error) {
	all, err := a.core.Bulk.List(ctx, actorOf(ctx))
	out := left4me.Page[apitype.BulkAct]{Items: []apitype.BulkAct{}, Total: len(all)}
	for _, v := range all {
		switch {
		case in.After != "" && v.ID >= in.After:
		case len(out.Items) == in.Limit:
			out.Next = out.Items[in.Limit-1].ID
			return out, err
		default:
			out.Items = append(out.Items, bulkActOf(v))
		}
	}
	return out, err
}

func (a serverRoutes) showBulk(_ context.Context, v bulk.Act, _ *none) (apitype.BulkAct, error) {
	return bulkActOf(v), nil
}

func (a serverRoutes) cancelBulk(ctx context.Context, v bulk.Act, _ *none) (apitype.BulkAct, error) {
	v, err := a.core.Bulk.Cancel(ctx, actorOf(ctx), v.ID)
	return bulkActOf(v), err
}

// rendered returns an error with the texts of this build, or nil.
func rendered(e *left4me.Error) *left4me.Error {
	if e == nil {
		return nil
	}
	return e.Rendered()
}
