package overlays

import (
	"context"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// What Collect keeps: revisions younger than keepDays and the keepNewest of each overlay, unless
// fewer than keepFree bytes are free.
const (
	keepDays   = 30
	keepNewest = 3
	keepFree   = 2 << 30
)

// Collect adds a job that removes unused revisions and downloads.
func (c *Overlays) Collect(ctx context.Context, by left4me.Actor) (left4me.Job, error) {
	var keep []left4me.OverlayRef
	// Read in one transaction: an overlay renamed in between would be listed under a name that its
	// host doesn't know.
	err := c.storage.Read(ctx, func(now *store.Store) error {
		blueprints, err := now.Blueprints().List(ctx)
		if err != nil {
			return err
		}
		servers, err := now.Servers().List(ctx)
		if err != nil {
			return err
		}
		for _, b := range blueprints {
			keep = append(keep, b.Overlays...)
		}
		for _, s := range servers {
			keep = append(keep, s.Overlays...)
		}
		deleted, err := now.DeletedServers().List(ctx)
		if err != nil {
			return err
		}
		for _, s := range deleted {
			keep = append(keep, s.Overlays...)
		}
		names, err := now.Overlays().Names(ctx)
		keep = names.RefsOnHost(keep)
		return err
	})
	if err != nil {
		return left4me.Job{}, err
	}
	slices.SortFunc(keep, func(a, b left4me.OverlayRef) int { return strings.Compare(a.String(), b.String()) })
	spec := bus.CollectSpec{Keep: slices.Compact(keep), Age: keepDays, Newest: keepNewest, MaxFree: keepFree}
	return c.jobs.Add(ctx, by, left4me.CollectContent, c.host, c.host, spec)
}

// tidy adds a Collect job once a day, and removes definitions of deleted overlays that can no
// longer be restored.
func (c *Overlays) tidy(ctx context.Context) error {
	now := c.now()
	past, err := c.jobs.List(ctx, left4me.CollectContent.Noun(), c.host, 1)
	if err != nil || len(past) > 0 && (!past[0].State.Ended() || now.Sub(past[0].CreatedAt) < tidyEvery && !past[0].CreatedAt.After(now)) {
		return err
	}
	if _, err := c.Collect(ctx, left4me.BySchedule); err != nil {
		return err
	}
	k, err := c.known(ctx)
	if err != nil || k.problem != nil {
		return err
	}
	for name, v := range k.definitions {
		if _, there := k.contents[name]; there || v.DeletedAt.IsZero() || now.Sub(v.DeletedAt) < keepDeleted {
			continue
		}
		if err := c.storage.Overlays().Drop(ctx, name, now.Add(-keepDeleted)); err != nil {
			return err
		}
		c.log.InfoContext(ctx, "definition of a deleted overlay removed", "overlay", name)
	}
	return nil
}
