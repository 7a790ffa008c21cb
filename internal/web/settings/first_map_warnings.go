package settings

import (
	"cmp"
	"context"
	"slices"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
)

// TypedWarnings sets the warnings about unsaved input. inherited are the overlays of the blueprint.
func (p *Choices) TypedWarnings(ctx context.Context, who accounts.Actor, f *Form, inherited []left4me.OverlayRef) {
	first := left4me.Settings{Map: cmp.Or(f.Values["map"], f.Base.Settings.Map)}
	stack := append(f.stack(), inherited...)
	all := p.Servers.Warnings().OfStack(ctx, first, stack)
	f.Warnings = MapWarnings("typed-map-warnings", all)
	f.StackWarnings = p.StackWarnings(ctx, who, "typed-stack-warnings", all, stack)
}

// missing is a warning about something that a stack lacks and an overlay made from a recipe contains.
type missing struct {
	left4me.Warning
	Recipe   string
	Overlays []left4me.Name // made from the recipe, and not in the stack
}

// ofStack reports whether a warning is about the overlays, and not about the first map.
func ofStack(w left4me.Warning) bool { return filelist.RecipeFor[w.Kind] != "" }

// StackWarnings lists what the overlays of a stack lack.
func (p *Choices) StackWarnings(
	ctx context.Context, who accounts.Actor, id string, all []left4me.Warning, stack []left4me.OverlayRef,
) templ.Component {
	var lacks []missing
	for _, w := range all {
		if !ofStack(w) {
			continue
		}
		m := missing{Warning: w, Recipe: filelist.RecipeFor[w.Kind]}
		made, err := overlays.MadeFrom(ctx, p.Overlays, m.Recipe)
		for _, n := range accounts.Visible(who, made, left4me.OnOverlay) {
			if err == nil && !slices.ContainsFunc(stack, func(o left4me.OverlayRef) bool { return o.Name == n }) {
				m.Overlays = append(m.Overlays, n)
			}
		}
		lacks = append(lacks, m)
	}
	return stackWarnings(id, lacks)
}
