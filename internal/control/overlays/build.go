package overlays

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Build adds a job that creates a revision, unless nothing changed. Errors: left4me.NotFound,
// left4me.Invalid.
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
	spec.Overlay.Name, spec.FromBackup = v.OnHost(), r.FromBackup
	if r.Promote != nil {
		from, err := promoted(ctx, c.storage, r)
		if err != nil {
			return left4me.Job{}, err
		}
		spec.Promote = &left4me.Promote{Server: from.Name, Paths: r.Promote.Paths}
		spec.PromoteFrom, spec.PromoteID = from.HostName, from.ID
	}
	var imported left4me.Import
	if spec.Change != nil {
		changed := *spec.Change
		spec.Change, imported = &changed, changed.Import
	}
	if err := fillNamesHint(ctx, c.storage, &imported); err != nil {
		return left4me.Job{}, err
	}
	if spec.Change != nil {
		spec.Change.Import = imported
	}
	spec.NamesHint = imported.NamesHint
	return c.jobs.Add(ctx, by, left4me.BuildOverlay, name, c.host, spec)
}

// promoted returns the server whose files a request promotes. Errors: left4me.Invalid for the field
// "promote.server" if it doesn't exist.
func promoted(ctx context.Context, storage *store.Store, r Request) (v left4me.Server, err error) {
	if r.From != "" {
		v, err = storage.Servers().ByID(ctx, r.From)
	} else {
		v, err = storage.Servers().Get(ctx, r.Promote.Server)
	}
	if errors.Is(err, left4me.NotFound) {
		err = left4me.NewError(left4me.Invalid, "server.unknown", "server", r.Promote.Server).InField("promote.server")
	}
	return v, err
}

// Promoted returns the server whose files a job promoted: repeating the job needs rights on that
// server too. ok is false for a job without a promotion. Errors: left4me.NotFound for an unknown
// job.
func (c *Overlays) Promoted(ctx context.Context, id left4me.JobID) (from left4me.Target, ok bool, err error) {
	v, err := c.storage.Jobs().Get(ctx, id)
	if err != nil || v.Kind != left4me.BuildOverlay {
		return from, false, err
	}
	var spec left4me.BuildSpec
	if err := json.Unmarshal(v.Spec, &spec); err != nil {
		return from, false, fmt.Errorf("job %s: %w", id, err)
	}
	if spec.Promote == nil {
		return from, false, nil
	}
	from = left4me.OnServer(spec.Promote.Server)
	from.ID = spec.PromoteID
	now, err := c.storage.Servers().ByID(ctx, spec.PromoteID)
	switch {
	case errors.Is(err, left4me.NotFound):
		return from, true, nil
	case err != nil:
		return from, false, err
	}
	return now.Target(), true, nil
}

// retry repeats a job.
func (c *Overlays) retry(ctx context.Context, by left4me.Actor, v store.QueuedJob) (left4me.Job, error) {
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
		if err := checkPromotion(ctx, c.storage, v, spec); err != nil {
			return v.Job, err
		}
		return c.Build(ctx, by, v.Target, Request{
			Note: spec.Note, Change: spec.Change, Promote: spec.Promote, From: spec.PromoteID,
			FromBackup: spec.FromBackup,
		})
	case left4me.DeleteOverlay:
		return c.Delete(ctx, by, v.Target)
	case left4me.RestoreOverlay:
		return c.Restore(ctx, by, v.Target)
	case left4me.CollectContent:
		return c.Collect(ctx, by)
	}
	return left4me.Job{}, left4me.NewError(left4me.Conflict, "job.not_retried", "kind", v.Kind)
}

// checkPromotion checks that a job can repeat its promotion from the same server. The server may
// have been renamed; a later server of its name doesn't count. Errors: left4me.Conflict if the
// server was deleted, or if the job doesn't identify it.
func checkPromotion(ctx context.Context, storage *store.Store, v store.QueuedJob, spec left4me.BuildSpec) error {
	if spec.Promote == nil {
		return nil
	}
	if spec.PromoteID == "" {
		return left4me.NewError(left4me.Conflict, "job.promoted_server_unknown", "job", v.ID, "server", spec.Promote.Server)
	}
	_, err := storage.Servers().ByID(ctx, spec.PromoteID)
	if errors.Is(err, left4me.NotFound) {
		return left4me.NewError(left4me.Conflict, "job.promoted_server_deleted", "job", v.ID, "server", spec.Promote.Server)
	}
	return err
}

// Request holds the options of a build.
type Request struct {
	Note    string           // reason, as text for users
	Change  *left4me.Change  // for a files overlay
	Promote *left4me.Promote // for a files overlay
	// From is the id of the server whose files Promote takes, regardless of its current name. If empty,
	// the server is found by name.
	From left4me.ID
	// FromBackup makes the files of an overlay in a backup the next revision. Only who may manage backups
	// may request it.
	FromBackup *left4me.OverlayInBackup
}
