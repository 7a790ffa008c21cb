package servers

import (
	"context"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// Clashes returns conflicts between a server's overlays: add-ons with the same files, duplicate
// campaigns, more add-ons than the game supports. Errors: left4me.NotFound, left4me.Unavailable.
func (s Files) Clashes(ctx context.Context, name left4me.Name) (all []left4me.Warning, err error) {
	d, err := s.servers.defined(ctx, name)
	if err != nil {
		return nil, err
	}
	err = s.servers.askHost(ctx, d.host, bus.VerbClashes, bus.StackRequest{V: bus.Version, Spec: d.specOnHost().OnHost()}, &all)
	return all, err
}
