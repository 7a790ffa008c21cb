package overlays

import (
	"context"
	"strings"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// Delete adds a job that sets an overlay aside. Errors: left4me.NotFound, left4me.Conflict naming
// the servers and blueprints that stack it.
func (c *Overlays) Delete(ctx context.Context, by left4me.Actor, name left4me.Name) (left4me.Job, error) {
	v, err := c.row(ctx, by, name)
	if err != nil {
		return left4me.Job{}, err
	}
	if !v.DeletedAt.IsZero() {
		return left4me.Job{}, left4me.NewError(left4me.Conflict, "overlay.deleted_already", "overlay", name)
	}
	use, err := c.uses(ctx)
	if err != nil {
		return left4me.Job{}, err
	}
	if blueprints, servers := use.blueprints[name], use.servers[name]; len(blueprints)+len(servers) > 0 {
		return left4me.Job{}, left4me.NewError(left4me.Conflict, "overlay.stacked", "overlay", name, "blueprints", joinNames(blueprints),
			"servers", joinNames(servers))
	}
	return c.jobs.Add(ctx, by, left4me.DeleteOverlay, name, c.host, bus.OverlayRequest{V: bus.Version, Overlay: v.OnHost()})
}

func joinNames(names []left4me.Name) string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = string(n)
	}
	return strings.Join(all, ", ")
}

// Restore adds a job that restores a deleted overlay. Errors: left4me.NotFound, left4me.Conflict if
// it isn't deleted.
func (c *Overlays) Restore(ctx context.Context, by left4me.Actor, name left4me.Name) (left4me.Job, error) {
	k, err := c.known(ctx)
	if err != nil {
		return left4me.Job{}, err
	}
	if err := k.exists(name); err != nil {
		return left4me.Job{}, err
	}
	active, err := c.jobs.Active(ctx, left4me.DeleteOverlay.Noun())
	if err != nil {
		return left4me.Job{}, err
	}
	if k.defined(name).DeletedAt.IsZero() && active[name].Kind != left4me.DeleteOverlay {
		return left4me.Job{}, left4me.NewError(left4me.Conflict, "overlay.not_deleted", "overlay", name)
	}
	v, err := c.row(ctx, by, name)
	if err != nil {
		return left4me.Job{}, err
	}
	return c.jobs.Add(ctx, by, left4me.RestoreOverlay, name, c.host, bus.OverlayRequest{V: bus.Version, Overlay: v.OnHost()})
}
