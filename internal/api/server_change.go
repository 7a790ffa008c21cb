package api

import (
	"context"

	"github.com/left4me/left4me/internal/api/apitype"
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
