package api

import (
	"context"
	"slices"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
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
