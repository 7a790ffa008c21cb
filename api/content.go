package api

import (
	"context"
	"fmt"
	"time"

	"github.com/left4me/left4me"
)

// Blueprint is a reusable recipe for servers.
type Blueprint struct {
	Name      left4me.Name     `json:"name"`
	Overlays  []left4me.Name   `json:"overlays" nullable:"false" doc:"Top of the stack first"`
	Settings  left4me.Settings `json:"settings"`
	CreatedAt time.Time        `json:"created_at"`
}

func blueprintOf(v left4me.Blueprint) Blueprint {
	b := Blueprint{Name: v.Name, Overlays: v.Overlays, Settings: v.Settings, CreatedAt: v.CreatedAt}
	if b.Overlays == nil {
		b.Overlays = []left4me.Name{}
	}
	return b
}

func (a *api) listBlueprints(ctx context.Context, _ *none) ([]Blueprint, error) {
	found, err := a.Content.Blueprints(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Blueprint, len(found))
	for i, v := range found {
		all[i] = blueprintOf(v)
	}
	return all, nil
}

// NewBlueprint is what a blueprint is created from.
type NewBlueprint struct {
	Name     string           `json:"name"`
	Overlays []string         `json:"overlays,omitempty" doc:"Top of the stack first"`
	Settings left4me.Settings `json:"settings,omitempty"`
}

func (a *api) createBlueprint(ctx context.Context, in *struct{ Body NewBlueprint }) (Blueprint, error) {
	overlays := make([]left4me.Name, len(in.Body.Overlays))
	for i, o := range in.Body.Overlays {
		n, err := left4me.ParseName(o)
		if e, ok := left4me.Public(err); ok {
			moved := *e
			moved.Field = fmt.Sprintf("overlays[%d]", i)
			return Blueprint{}, &moved
		}
		overlays[i] = n
	}
	v, err := a.Content.CreateBlueprint(ctx, left4me.Blueprint{Name: left4me.Name(in.Body.Name), Overlays: overlays, Settings: in.Body.Settings})
	return blueprintOf(v), err
}

// Overlay is a named piece of content.
type Overlay struct {
	Name left4me.Name `json:"name"`
}

func (a *api) listOverlays(ctx context.Context, _ *none) ([]Overlay, error) {
	found, err := a.Content.Overlays(ctx, left4me.LocalHost)
	if err != nil {
		return nil, err
	}
	all := make([]Overlay, len(found))
	for i, n := range found {
		all[i] = Overlay{Name: n}
	}
	return all, nil
}
