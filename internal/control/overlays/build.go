package overlays

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// What Collect leaves: revisions younger than keepDays, and the keepNewest of
// each overlay, unless fewer bytes than keepFree are free.
const (
	keepDays   = 30
	keepNewest = 3
	keepFree   = 2 << 30
)

// Build asks for a job that makes a revision, if anything changed. Errors:
// left4me.NotFound, left4me.Invalid.
func (c *Overlays) Build(ctx context.Context, by left4me.Actor, name left4me.Name, r Request) (left4me.Job, error) {
	v, err := c.row(ctx, by, name)
	if err != nil {
		return left4me.Job{}, err
	}
	if !v.DeletedAt.IsZero() {
		return left4me.Job{}, left4me.NewError(left4me.Conflict, "overlay.deleted", "overlay", name)
	}
	if err := checkRequest(v.Kind, r); err != nil {
		return left4me.Job{}, err
	}
	if change := r.Change; change != nil && change.Upload != "" && !change.Import.Exact {
		own := *change
		own.Import.Moves = left4me.MergeMoves(v.Moves, change.Import.Moves)
		if err := CheckMoves("change.import.moves", own.Import.Moves); err != nil {
			return left4me.Job{}, err
		}
		if len(change.Import.Moves) > 0 {
			if err := c.storage.Overlays().RememberMoves(ctx, name, change.Import.Moves); err != nil {
				return left4me.Job{}, err
			}
		}
		r.Change = &own
	}
	spec := left4me.BuildSpec{Overlay: v.Overlay, Note: r.Note, By: by.String(), Change: r.Change, Promote: r.Promote}
	spec.Overlay.Name = v.OnHost()
	if r.Promote != nil {
		// One that isn't there may have left its files: its host says whether it has.
		switch from, err := c.storage.Servers().Get(ctx, r.Promote.Server); {
		case err == nil:
			spec.PromoteFrom, spec.PromoteID = from.HostName, from.ID
		case !errors.Is(err, left4me.NotFound):
			return left4me.Job{}, err
		}
	}
	var imported left4me.Import
	if spec.Change != nil {
		changed := *spec.Change
		spec.Change, imported = &changed, changed.Import
	}
	if err := c.hint(ctx, &imported); err != nil {
		return left4me.Job{}, err
	}
	if spec.Change != nil {
		spec.Change.Import = imported
	}
	spec.NamesHint = imported.NamesHint
	return c.jobs.Add(ctx, by, left4me.BuildOverlay, name, c.host, spec)
}

// Delete asks for a job that sets an overlay aside. Errors:
// left4me.NotFound, left4me.Conflict with who stacks it.
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
		return left4me.Job{}, left4me.NewError(left4me.Conflict, "overlay.stacked", "overlay", name, "blueprints", joined(blueprints),
			"servers", joined(servers))
	}
	return c.jobs.Add(ctx, by, left4me.DeleteOverlay, name, c.host, bus.OverlayRequest{V: bus.Version, Overlay: v.OnHost()})
}

func joined(names []left4me.Name) string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = string(n)
	}
	return strings.Join(all, ", ")
}

// Restore asks for a job that takes a deleted overlay back. Errors:
// left4me.NotFound, left4me.Conflict when it is not deleted.
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

// Use makes a revision the one that servers start with. Errors:
// left4me.NotFound, left4me.Unavailable.
func (c Revisions) Use(ctx context.Context, by left4me.Actor, name left4me.Name, revision int) (left4me.Content, error) {
	v, err := c.content(ctx, bus.VerbUse, bus.OverlayRequest{V: bus.Version, Overlay: name, Revision: revision})
	if err == nil {
		c.overlays.told.Ring()
		c.overlays.log.InfoContext(ctx, "revision is the current one", "overlay", name, "revision", revision, "by", by.String())
	}
	return v, err
}

// Label names a revision. Errors: left4me.NotFound, left4me.Invalid,
// left4me.Unavailable.
func (c Revisions) Label(ctx context.Context, by left4me.Actor, name left4me.Name, revision int, label string) (left4me.Content, error) {
	var f fields
	f.text("label", label, maxLabel)
	if err := f.err(); err != nil {
		return left4me.Content{}, err
	}
	v, err := c.content(ctx, bus.VerbLabel,
		bus.LabelRequest{V: bus.Version, Overlay: name, Revision: revision, Label: label})
	if err == nil {
		c.overlays.told.Ring()
		c.overlays.log.InfoContext(ctx, "revision labelled", "overlay", name, "revision", revision, "by", by.String(), "label", label)
	}
	return v, err
}

// Drop removes a revision that nothing uses. Errors: left4me.NotFound,
// left4me.Busy, left4me.Unavailable.
func (c Revisions) Drop(ctx context.Context, by left4me.Actor, name left4me.Name, revision int) (left4me.Content, error) {
	use, err := c.overlays.uses(ctx)
	if err != nil {
		return left4me.Content{}, err
	}
	at := left4me.OverlayRef{Name: name, Revision: revision}
	if blueprints, servers := use.pinnedBy.blueprints[at], use.pinnedBy.servers[at]; len(blueprints)+len(servers) > 0 {
		return left4me.Content{}, left4me.NewError(left4me.Busy, "revision.used", "overlay", name, "revision", revision, "blueprints",
			joined(blueprints), "servers", joined(servers))
	}
	v, err := c.content(ctx, bus.VerbDropRev, bus.OverlayRequest{V: bus.Version, Overlay: name, Revision: revision})
	if err == nil {
		c.overlays.told.Ring()
		c.overlays.log.InfoContext(ctx, "revision removed", "overlay", name, "revision", revision, "by", by.String())
	}
	return v, err
}

// Collect asks for a job that removes revisions and downloads that nothing needs.
func (c *Overlays) Collect(ctx context.Context, by left4me.Actor) (left4me.Job, error) {
	before, err := c.storage.Overlays().Names(ctx)
	if err != nil {
		return left4me.Job{}, err
	}
	blueprints, err := c.storage.Blueprints().List(ctx)
	if err != nil {
		return left4me.Job{}, err
	}
	servers, err := c.storage.Servers().List(ctx)
	if err != nil {
		return left4me.Job{}, err
	}
	var keep []left4me.OverlayRef
	for _, b := range blueprints {
		keep = append(keep, b.Overlays...)
	}
	for _, s := range servers {
		keep = append(keep, s.Overlays...)
	}
	// An overlay may be renamed meanwhile: a stack names it as before, or as after that.
	after, err := c.storage.Overlays().Names(ctx)
	if err != nil {
		return left4me.Job{}, err
	}
	keep = append(before.RefsOnHost(keep), after.RefsOnHost(keep)...)
	slices.SortFunc(keep, func(a, b left4me.OverlayRef) int { return strings.Compare(a.String(), b.String()) })
	spec := bus.CollectSpec{Keep: slices.Compact(keep), Age: keepDays, Newest: keepNewest, MaxFree: keepFree}
	return c.jobs.Add(ctx, by, left4me.CollectContent, c.host, c.host, spec)
}

// again asks for a job once more.
func (c *Overlays) again(ctx context.Context, by left4me.Actor, v store.QueuedJob) (left4me.Job, error) {
	if v.Kind.Noun() == string(left4me.OverlayTarget) && v.Kind != left4me.CollectContent {
		if now, err := c.storage.Target(ctx, left4me.OverlayTarget, string(v.Target)); err != nil {
			return v.Job, err
		} else if now.ID != "" && now.ID != v.TargetID {
			return v.Job, left4me.NewError(left4me.Conflict, "job.overlay_deleted", "job", v.ID, "overlay", v.Target)
		}
	}
	switch v.Kind {
	case left4me.BuildOverlay:
		var spec left4me.BuildSpec
		if err := json.Unmarshal(v.Spec, &spec); err != nil {
			return left4me.Job{}, fmt.Errorf("retry job %s: %w", v.ID, err)
		}
		promote, err := promoteAgain(ctx, c.storage, v, spec)
		if err != nil {
			return v.Job, err
		}
		return c.Build(ctx, by, v.Target, Request{Note: spec.Note, Change: spec.Change, Promote: promote})
	case left4me.DeleteOverlay:
		return c.Delete(ctx, by, v.Target)
	case left4me.RestoreOverlay:
		return c.Restore(ctx, by, v.Target)
	case left4me.CollectContent:
		return c.Collect(ctx, by)
	}
	return left4me.Job{}, left4me.NewError(left4me.Conflict, "job.not_retried", "kind", v.Kind)
}

// promoteAgain is what a job promoted, from the same server: whatever that is called now,
// and never from one that has its name since. Errors: left4me.Conflict when it was deleted.
func promoteAgain(ctx context.Context, storage *store.Store, v store.QueuedJob, spec left4me.BuildSpec) (*left4me.Promote, error) {
	if spec.Promote == nil || spec.PromoteID == "" {
		return spec.Promote, nil
	}
	from, err := storage.Servers().ByID(ctx, spec.PromoteID)
	if errors.Is(err, left4me.NotFound) {
		return nil, left4me.NewError(left4me.Conflict, "job.promoted_server_deleted", "job", v.ID, "server", spec.Promote.Server)
	} else if err != nil {
		return nil, err
	}
	return &left4me.Promote{Server: from.Name, Paths: spec.Promote.Paths}, nil
}
