package agent

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/left4me/left4me/internal/host/content/inspect"
	"github.com/left4me/left4me/internal/left4me"
)

// campaignsWithin bounds the first look at layers; later ones cost nothing.
const campaignsWithin = 25 * time.Second

// campaigns are what a server can play. An overlay that isn't on this host is left
// out: who plans a server shall see the rest. hint is the encoding of titles that
// are too short to tell.
func (a *Agent) campaigns(ctx context.Context, spec left4me.Spec, hint string) ([]left4me.Campaign, error) {
	ctx, cancel := context.WithTimeout(ctx, campaignsWithin)
	defer cancel()
	layers, err := a.overlays(spec)
	if err != nil {
		return nil, err
	}
	game, err := a.game.Stack()
	if err != nil {
		return nil, err
	}
	for _, dir := range game {
		layers = append(layers, inspect.Layer{Dir: dir})
	}
	for i := range layers {
		layers[i].Hint = hint
	}
	return a.catalog.Campaigns(ctx, layers)
}

// clashes are what the overlays of a server have in common and players miss
// something by. An overlay that isn't on this host is left out.
func (a *Agent) clashes(ctx context.Context, spec left4me.Spec) ([]left4me.Warning, error) {
	ctx, cancel := context.WithTimeout(ctx, campaignsWithin)
	defer cancel()
	layers, err := a.overlays(spec)
	if err != nil {
		return nil, err
	}
	game, err := a.game.Stack()
	if err != nil && !errors.Is(err, left4me.NotFound) {
		return nil, err
	}
	var below []inspect.Layer
	for _, dir := range game {
		below = append(below, inspect.Layer{Dir: dir})
	}
	return inspect.Stack(ctx, layers, below, spec.Settings.Tick)
}

// overlays are the layers of a server above the game, top first, as far as they
// are on this host.
func (a *Agent) overlays(spec left4me.Spec) (layers []inspect.Layer, err error) {
	for _, o := range spec.Overlays {
		if !o.Name.Valid() {
			return nil, left4me.Errorf(left4me.Invalid, "the request names no overlay")
		}
		dir, err := a.Files.OverlayLayer(o)
		if errors.Is(err, left4me.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		layers = append(layers, inspect.Layer{Name: o.Name, Dir: filepath.Join(string(a.Files.Root), filepath.FromSlash(dir))})
	}
	return layers, nil
}
