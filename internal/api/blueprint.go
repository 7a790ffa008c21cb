package api

import (
	"context"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// blueprintRoutes handles requests about blueprints.
type blueprintRoutes struct{ core *core }

// blueprintsOf converts blueprints and adds the servers that use each of them.
func (a blueprintRoutes) blueprintsOf(ctx context.Context, found ...left4me.Blueprint) ([]apitype.Blueprint, error) {
	using, err := a.core.Servers.List(ctx)
	if err != nil {
		return nil, err
	}
	using = accounts.Visible(actorOf(ctx), using, onServer)
	all := make([]apitype.Blueprint, len(found))
	for i, v := range found {
		all[i] = apitype.Blueprint{
			ID: v.ID, Name: v.Name, Overlays: refsOf(v.Overlays),
			Settings: settingsFor(ctx, v.Target(), v.Settings),
			Version:  v.Version, CreatedAt: v.CreatedAt,
			Servers: []left4me.Name{}, Warnings: []left4me.Warning{},
		}
		for _, s := range using {
			if s.Blueprint == v.Name {
				all[i].Servers = append(all[i].Servers, s.Name)
			}
		}
	}
	return all, nil
}

func (a blueprintRoutes) blueprintOf(ctx context.Context, v left4me.Blueprint, err error) (apitype.Blueprint, error) {
	if err != nil {
		return apitype.Blueprint{}, err
	}
	all, err := a.blueprintsOf(ctx, v)
	if err != nil {
		return apitype.Blueprint{}, err
	}
	all[0].Warnings = append(all[0].Warnings, a.core.Servers.Warnings().OfStack(ctx, v.Settings, v.Overlays)...)
	return all[0], nil
}

func (a blueprintRoutes) listBlueprints(ctx context.Context, _ *ListInput) ([]apitype.Blueprint, error) {
	found, err := a.core.Overlays.Blueprints().List(ctx)
	if err != nil {
		return nil, err
	}
	found = accounts.Visible(actorOf(ctx), found, func(v left4me.Blueprint) left4me.Target { return v.Target() })
	return a.blueprintsOf(ctx, found...)
}

func (a blueprintRoutes) showBlueprint(ctx context.Context, name left4me.Name, _ *none) (apitype.Blueprint, error) {
	v, err := a.core.Overlays.Blueprints().Get(ctx, name)
	return a.blueprintOf(ctx, v, err)
}

func (a blueprintRoutes) createBlueprint(ctx context.Context, in *struct{ Body apitype.NewBlueprint }) (apitype.Blueprint, error) {
	overlays, err := parseRefs("overlays", in.Body.Overlays)
	if err != nil {
		return apitype.Blueprint{}, err
	}
	if err := a.core.visibleParts(ctx, "", overlays, left4me.Server{}); err != nil {
		return apitype.Blueprint{}, err
	}
	v, err := a.core.Overlays.Blueprints().Create(ctx, actorOf(ctx).Cause(),
		left4me.Blueprint{Name: left4me.Name(in.Body.Name), Overlays: overlays, Settings: in.Body.Settings})
	return a.blueprintOf(ctx, v, err)
}

func (a blueprintRoutes) updateBlueprint(ctx context.Context, name left4me.Name, in *struct {
	Body apitype.BlueprintDefinition
},
) (apitype.Blueprint, error) {
	overlays, err := parseRefs("overlays", in.Body.Overlays)
	if err != nil {
		return apitype.Blueprint{}, err
	}
	have, err := a.core.Overlays.Blueprints().Get(ctx, name)
	if err != nil {
		return apitype.Blueprint{}, err
	}
	if err := a.core.visibleParts(ctx, "", overlays, left4me.Server{Overlays: have.Overlays}); err != nil {
		return apitype.Blueprint{}, err
	}
	v, err := a.core.Overlays.Blueprints().Update(ctx, actorOf(ctx).Cause(),
		left4me.Blueprint{Name: name, Version: in.Body.Version, Overlays: overlays, Settings: in.Body.Settings})
	return a.blueprintOf(ctx, v, err)
}

func (a blueprintRoutes) renameBlueprint(ctx context.Context, name left4me.Name, in *struct{ Body apitype.NewName }) (apitype.Blueprint,
	error,
) {
	v, err := a.core.Overlays.Blueprints().Rename(ctx, actorOf(ctx).Cause(), name, left4me.Name(in.Body.Name), in.Body.Version)
	return a.blueprintOf(ctx, v, err)
}

// creationRoutes handles requests that create servers from something else.
type creationRoutes struct{ core *core }

func (a creationRoutes) createServers(ctx context.Context, name left4me.Name, in *struct{ Body apitype.SeveralServers }) (
	apitype.SeveralCreated, error,
) {
	if err := accounts.Allow(actorOf(ctx), manage, left4me.Target{Kind: left4me.ServerTarget}); err != nil {
		return apitype.SeveralCreated{}, err
	}
	v := servers.Several{Blueprint: name, Count: in.Body.Count, Names: in.Body.Names}
	if in.Body.FirstPort != nil {
		if v.FirstPort = *in.Body.FirstPort; v.FirstPort == 0 {
			return apitype.SeveralCreated{}, left4me.NewError(left4me.Invalid, "port.zero").InField("first_port")
		}
	}
	if _, err := a.core.Overlays.Blueprints().Get(ctx, name); err != nil {
		return apitype.SeveralCreated{}, err
	}
	out := apitype.SeveralCreated{Created: !in.Body.Preview, Servers: []apitype.NewlyCreated{}}
	create := a.core.Servers.Creation()
	all, err := create.PlanSeveral(ctx, v)
	if err == nil && !in.Body.Preview {
		all, err = create.CreateSeveral(ctx, actorOf(ctx).Cause(), v)
	}
	for _, v := range all {
		out.Servers = append(out.Servers, apitype.NewlyCreated{Name: v.Name, Port: v.Port})
	}
	return out, err
}

func (a blueprintRoutes) deleteBlueprint(ctx context.Context, name left4me.Name, _ *none) (apitype.Deleted, error) {
	return apitype.Deleted{Name: name}, a.core.Overlays.Blueprints().Delete(ctx, actorOf(ctx).Cause(), name)
}

var byBlueprintName = order[apitype.Blueprint]{key: func(v apitype.Blueprint) string { return string(v.Name) }}
