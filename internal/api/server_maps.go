package api

import (
	"context"
	"slices"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

func (a serverRoutes) serverCampaigns(ctx context.Context, name left4me.Name, _ *ListInput) ([]left4me.Campaign, error) {
	all, err := a.core.Servers.Campaigns(ctx, name)
	return campaignsOf(all), err
}

// campaignsOf replaces nil maps of modes and nil lists of chapters by empty ones.
func campaignsOf(all []left4me.Campaign) []left4me.Campaign {
	all = slices.Clone(all)
	for i, c := range all {
		modes := make(map[string][]left4me.Chapter, len(c.Modes))
		for mode, chapters := range c.Modes {
			modes[mode] = append([]left4me.Chapter{}, chapters...)
		}
		all[i].Modes = modes
	}
	return all
}

func (a serverRoutes) serverClashes(ctx context.Context, name left4me.Name, _ *ListInput) ([]left4me.Warning, error) {
	all, err := a.core.Servers.Files().Clashes(ctx, name)
	if all == nil {
		all = []left4me.Warning{}
	}
	return all, err
}

type mapInput struct {
	Body apitype.MapChange
}

func (a serverRoutes) changeMap(ctx context.Context, name left4me.Name, in *mapInput) (apitype.MapChangeBegun, error) {
	j, err := a.core.Servers.Consoles().ChangeMap(ctx, actorOf(ctx).Cause(), name, in.Body.Map, in.Body.Mode)
	return apitype.MapChangeBegun{MapChange: in.Body, Job: apitype.JobRef{ID: j.ID, Kind: j.Kind, State: j.State}}, err
}
