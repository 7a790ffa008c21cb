package api

import (
	"context"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/restart"
	"github.com/left4me/left4me/internal/left4me"
)

func restartOf(v *overlays.Restart) apitype.OverlayRestart {
	r := apitype.OverlayRestart{
		Overlay: v.Overlay, Revision: v.Revision, Mode: v.Mode, State: v.State, Reason: v.Reason,
		CreatedAt: v.CreatedAt, EndedAt: v.EndedAt, Servers: []apitype.Move{},
	}
	for _, m := range v.Moves {
		r.Servers = append(r.Servers, apitype.Move{Server: m.Server, State: m.State, Reason: m.Reason, Job: m.Job})
	}
	for _, w := range v.Wishes {
		r.Servers = append(r.Servers, apitype.Move{Server: w.Server, State: restart.Wants, Reason: w.Why})
	}
	return r
}

func (a *api) showOverlayRestart(ctx context.Context, in *ByName) (apitype.OverlayRestart, error) {
	n, err := pathName(in.Name)
	if err != nil {
		return apitype.OverlayRestart{}, err
	}
	v, err := a.Content.Restart(ctx, n)
	if err == nil && v == nil {
		err = left4me.Errorf(left4me.NotFound, "no revision of %s came by itself for servers to move over to", in.Name)
	}
	if err != nil {
		return apitype.OverlayRestart{}, err
	}
	return restartOf(v), nil
}

func (a *api) cancelOverlayRestart(ctx context.Context, in *ByName) (apitype.OverlayRestart, error) {
	n, err := pathName(in.Name)
	if err != nil {
		return apitype.OverlayRestart{}, err
	}
	v, err := a.Content.CancelRestart(ctx, actorOf(ctx).Name, n)
	if err != nil {
		return apitype.OverlayRestart{}, err
	}
	return restartOf(v), nil
}
