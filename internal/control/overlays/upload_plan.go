package overlays

import (
	"context"
	"errors"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// Plan previews an import. Errors: left4me.NotFound, left4me.Unavailable; problems with the files
// are part of the plan.
func (c *Overlays) Plan(ctx context.Context, name left4me.Name, change left4me.Change) (left4me.Plan, error) {
	if v, err := c.storage.Overlays().Get(ctx, name); err == nil && change.Import.Texts == "" {
		change.Import.Texts = v.Texts
	}
	if err := fillNamesHint(ctx, c.storage, &change.Import); err != nil {
		return left4me.Plan{}, err
	}
	v, err := c.storage.Overlays().Get(ctx, name)
	if err != nil && !errors.Is(err, left4me.NotFound) {
		return left4me.Plan{}, err
	}
	if !change.Import.Exact {
		change.Import.Moves = left4me.MergeMoves(v.Moves, change.Import.Moves)
	}
	if err := CheckMoves("import.moves", change.Import.Moves); err != nil {
		return left4me.Plan{}, err
	}
	plan, err := ask[left4me.Plan](ctx, c, bus.VerbPlan, bus.PlanRequest{V: bus.Version, Overlay: name, Change: change})
	if len(change.Import.Moves) > 0 {
		plan.Moves = change.Import.Moves
	}
	return plan, err
}

// ForgetMove removes the remembered move of a folder or file, so that the next upload to the
// overlay places it automatically. Errors: left4me.NotFound.
func (c *Overlays) ForgetMove(ctx context.Context, by left4me.Actor, name left4me.Name, from string) error {
	if err := c.storage.Overlays().RememberMoves(ctx, name, []left4me.FolderMove{{From: from}}); err != nil {
		return err
	}
	c.log.InfoContext(ctx, "move forgotten", "overlay", name, "by", by.String(), "folder", from)
	return nil
}
