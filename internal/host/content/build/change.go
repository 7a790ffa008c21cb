package build

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
)

// change builds a files overlay from an edit: an upload that replaces all files or is written over
// them, and paths to remove.
func change(ctx context.Context, b *build) error {
	return b.p.Step(ctx, left4me.StepUnpack, func(ctx context.Context) (left4me.Notes, error) {
		changed, err := b.builder.uploads.withOtherNames(ctx, b.spec.Overlay.Name, *b.spec.Change, b.staging.Scratch())
		if err != nil {
			return nil, err
		}
		c := &changed
		found, err := b.builder.uploads.open(ctx, *c, b.staging.Scratch(), false)
		if err != nil {
			return nil, err
		}
		defer found.close()
		// Check for conflicts before anything is written.
		current, files, err := b.builder.uploads.checkBase(ctx, b.spec.Overlay.Name, *c, found)
		if err != nil {
			return nil, err
		}
		if !c.Replace {
			if _, _, err := b.staging.From(ctx, current); err != nil {
				return nil, err
			}
			for _, p := range c.Delete {
				b.staging.Remove(p)
			}
		}
		if found.Found == nil {
			return left4me.Notes{left4me.NewNote("files.paths_removed", "count", len(c.Delete))}, nil
		}
		notes, err := b.write(ctx, found.Found)
		if err != nil {
			return nil, err
		}
		if err := b.noteKept(*c, found.Plan().Names); err != nil {
			return nil, err
		}
		if len(files) > 0 && c.Replace {
			notes = append(notes, left4me.NewNote("files.replace_all"))
		}
		return notes, nil
	})
}
