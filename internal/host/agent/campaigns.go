package agent

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/content/catalog"
	"github.com/left4me/left4me/internal/host/content/inspect"
	"github.com/left4me/left4me/internal/host/gamefiles/game"
	"github.com/left4me/left4me/internal/left4me"
)

// campaignsWithin is the deadline for the first inspection of layers; later ones are cached.
const campaignsWithin = 25 * time.Second

// campaigns lists the campaigns that servers can play.
type campaigns struct {
	core    *core
	game    *game.Installation
	catalog *catalog.Catalog
}

func newCampaigns(c *core, g *game.Installation) *campaigns {
	return &campaigns{core: c, game: g, catalog: catalog.New()}
}

// list returns the campaigns that a server can play. Overlays that are not on this host are
// skipped, so that a server that is still being planned shows the rest.
func (c *campaigns) list(ctx context.Context, r bus.StackRequest) ([]left4me.Campaign, error) {
	ctx, cancel := context.WithTimeout(ctx, campaignsWithin)
	defer cancel()
	layers, err := c.layers(r.Spec, r.Shown)
	if err != nil {
		return nil, err
	}
	stack, err := c.game.Stack()
	if err != nil {
		return nil, err
	}
	for _, dir := range stack {
		layers = append(layers, inspect.Layer{Dir: dir})
	}
	for i := range layers {
		layers[i].Hint = r.Hint
	}
	return c.catalog.Campaigns(ctx, layers)
}

// conflicts returns the conflicts between the overlays of a server that affect players. Overlays
// that are not on this host are skipped.
func (c *campaigns) conflicts(ctx context.Context, r bus.StackRequest) ([]left4me.Warning, error) {
	ctx, cancel := context.WithTimeout(ctx, campaignsWithin)
	defer cancel()
	layers, err := c.layers(r.Spec, r.Shown)
	if err != nil {
		return nil, err
	}
	stack, err := c.game.Stack()
	if err != nil && !errors.Is(err, left4me.NotFound) {
		return nil, err
	}
	var below []inspect.Layer
	for _, dir := range stack {
		below = append(below, inspect.Layer{Dir: dir})
	}
	return inspect.Stack(ctx, layers, below, r.Spec.Settings.Tick)
}

// layers returns the layers of a server above the game that exist on this host, top first.
func (c *campaigns) layers(spec left4me.Spec, shown bus.Shown) (layers []inspect.Layer, err error) {
	for _, o := range spec.Overlays {
		if !o.Name.Valid() {
			return nil, left4me.NewError(left4me.Invalid, "request.no_overlay")
		}
		dir, err := c.core.Files.Root.OverlayLayer(o)
		if errors.Is(err, left4me.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		layers = append(layers, inspect.Layer{
			Name: shown.Name(o.Name), Dir: filepath.Join(string(c.core.Files.Root), filepath.FromSlash(dir)),
		})
	}
	return layers, nil
}
