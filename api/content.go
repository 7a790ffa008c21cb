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
	Overlays  []string         `json:"overlays" nullable:"false" doc:"Top of the stack first: maps, or maps@3 to stay at a revision"`
	Settings  left4me.Settings `json:"settings"`
	CreatedAt time.Time        `json:"created_at"`
}

func blueprintOf(v left4me.Blueprint) Blueprint {
	return Blueprint{Name: v.Name, Overlays: refsOf(v.Overlays), Settings: v.Settings, CreatedAt: v.CreatedAt}
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
	Overlays []string         `json:"overlays,omitempty" doc:"Top of the stack first: maps, or maps@3 to stay at a revision"`
	Settings left4me.Settings `json:"settings,omitempty"`
}

func (a *api) createBlueprint(ctx context.Context, in *struct{ Body NewBlueprint }) (Blueprint, error) {
	overlays, err := parseRefs("overlays", in.Body.Overlays)
	if err != nil {
		return Blueprint{}, err
	}
	v, err := a.Content.CreateBlueprint(ctx, left4me.Blueprint{Name: left4me.Name(in.Body.Name), Overlays: overlays, Settings: in.Body.Settings})
	return blueprintOf(v), err
}

// refsOf writes layers as people do.
func refsOf(refs []left4me.OverlayRef) []string {
	all := make([]string, len(refs))
	for i, r := range refs {
		all[i] = r.String()
	}
	return all
}

// parseRefs reads layers; an error names the one of the field that is wrong.
func parseRefs(field string, texts []string) ([]left4me.OverlayRef, error) {
	refs := make([]left4me.OverlayRef, len(texts))
	for i, t := range texts {
		r, err := left4me.ParseOverlayRef(t)
		if e, ok := left4me.Public(err); ok {
			moved := *e
			moved.Field = fmt.Sprintf("%s[%d]", field, i)
			return nil, &moved
		}
		refs[i] = r
	}
	return refs, nil
}
