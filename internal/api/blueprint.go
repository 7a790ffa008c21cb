package api

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Blueprint is a reusable recipe for servers.
type Blueprint struct {
	Name      left4me.Name      `json:"name"`
	Overlays  []string          `json:"overlays" doc:"Top of the stack first: maps, or maps@3 to stay at a revision"`
	Settings  left4me.Settings  `json:"settings" doc:"Without passwords for people who may change nothing"`
	Servers   []left4me.Name    `json:"servers" doc:"That are made from it"`
	Version   int               `json:"version" doc:"Counts its changes"`
	Warnings  []left4me.Warning `json:"warnings" doc:"What will probably keep its servers from starting unless they stack more; left out of lists"`
	CreatedAt time.Time         `json:"created_at"`
}

// blueprintsOf says of blueprints which servers are made from them, too.
func (a *api) blueprintsOf(ctx context.Context, found ...left4me.Blueprint) ([]Blueprint, error) {
	servers, err := a.Servers.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Blueprint, len(found))
	for i, v := range found {
		all[i] = Blueprint{
			Name: v.Name, Overlays: refsOf(v.Overlays), Settings: settingsFor(ctx, v.Settings), Version: v.Version, CreatedAt: v.CreatedAt,
			Servers: []left4me.Name{}, Warnings: []left4me.Warning{},
		}
		for _, s := range servers {
			if s.Blueprint == v.Name {
				all[i].Servers = append(all[i].Servers, s.Name)
			}
		}
	}
	return all, nil
}

func (a *api) blueprintOf(ctx context.Context, v left4me.Blueprint, err error) (Blueprint, error) {
	if err != nil {
		return Blueprint{}, err
	}
	all, err := a.blueprintsOf(ctx, v)
	if err != nil {
		return Blueprint{}, err
	}
	all[0].Warnings = append(all[0].Warnings, a.Servers.WarningsOf(ctx, v.Settings, v.Overlays)...)
	return all[0], nil
}

func (a *api) listBlueprints(ctx context.Context, _ *none) ([]Blueprint, error) {
	found, err := a.Content.Blueprints(ctx)
	if err != nil {
		return nil, err
	}
	return a.blueprintsOf(ctx, found...)
}

func (a *api) showBlueprint(ctx context.Context, in *ByName) (Blueprint, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return Blueprint{}, err
	}
	v, err := a.Content.Blueprint(ctx, name)
	return a.blueprintOf(ctx, v, err)
}

// NewBlueprint is what a blueprint is created from.
type NewBlueprint struct {
	Name     string           `json:"name"`
	Overlays []string         `json:"overlays,omitempty" doc:"Top of the stack first: maps, or maps@3 to stay at a revision"`
	Settings left4me.Settings `json:"settings,omitempty"`
}

func (a *api) createBlueprint(ctx context.Context, in *struct{ Body NewBlueprint }) (Blueprint, error) {
	overlays, err := parseRefs("overlays", in.Body.Overlays)
	if err != nil {
		return Blueprint{}, err
	}
	v, err := a.Content.CreateBlueprint(ctx,
		left4me.Blueprint{Name: left4me.Name(in.Body.Name), Overlays: overlays, Settings: in.Body.Settings})
	return a.blueprintOf(ctx, v, err)
}

// BlueprintDefinition is what a blueprint is changed to.
type BlueprintDefinition struct {
	Version  int              `json:"version,omitempty" doc:"That was looked at: when it was changed since, the answer is 409. Without it nobody's change is minded"`
	Overlays []string         `json:"overlays,omitempty"`
	Settings left4me.Settings `json:"settings,omitempty"`
}

func (a *api) updateBlueprint(ctx context.Context, in *struct {
	ByName
	Body BlueprintDefinition
},
) (Blueprint, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return Blueprint{}, err
	}
	overlays, err := parseRefs("overlays", in.Body.Overlays)
	if err != nil {
		return Blueprint{}, err
	}
	v, err := a.Content.UpdateBlueprint(ctx, actorOf(ctx).Name,
		left4me.Blueprint{Name: name, Version: in.Body.Version, Overlays: overlays, Settings: in.Body.Settings})
	return a.blueprintOf(ctx, v, err)
}

func (a *api) deleteBlueprint(ctx context.Context, in *ByName) (deleted, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return deleted{}, err
	}
	return deleted{name}, a.Content.DeleteBlueprint(ctx, actorOf(ctx).Name, name)
}
