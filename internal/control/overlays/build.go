package overlays

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
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

// Request is what a build is asked for with.
type Request struct {
	Note    string           // why, in people's words
	Change  *left4me.Change  // of a files overlay
	Promote *left4me.Promote // of a files overlay
}
