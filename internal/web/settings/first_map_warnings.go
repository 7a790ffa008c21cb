package settings

import (
	"cmp"
	"context"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/left4me"
)

// TypedWarnings shows the warnings about the first map for unsaved input. inherited are the
// overlays of the blueprint.
func (p *Choices) TypedWarnings(ctx context.Context, f Form, inherited []left4me.OverlayRef) templ.Component {
	first := left4me.Settings{Map: cmp.Or(f.Values["map"], f.Base.Settings.Map)}
	return MapWarnings("typed-map-warnings", p.Servers.Warnings().OfStack(ctx, first, append(f.stack(), inherited...)))
}
