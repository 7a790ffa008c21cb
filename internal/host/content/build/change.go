package build

import (
	"context"
	"fmt"

	"github.com/left4me/left4me/internal/left4me"
)

// change builds a files overlay from an edit: an upload that replaces all files or is written over
// them, and paths to remove.
func change(ctx context.Context, b *build) error {
	return b.p.Step(ctx, left4me.StepUnpack, func(ctx context.Context) (string, error) {
		changed, err := b.builder.uploads.withOtherNames(ctx, b.spec.Overlay.Name, *b.spec.Change, b.staging.Scratch())
		if err != nil {
			return "", err
		}
		c := &changed
		found, err := b.builder.uploads.open(ctx, *c, b.staging.Scratch(), false)
		if err != nil {
			return "", err
		}
		defer found.close()
		// Check for conflicts before anything is written.
		current, files, err := b.builder.uploads.checkBase(ctx, b.spec.Overlay.Name, *c, found)
		if err != nil {
			return "", err
		}
		if !c.Replace {
			if _, _, err := b.staging.From(ctx, current); err != nil {
				return "", err
			}
			for _, p := range c.Delete {
				b.staging.Remove(p)
			}
		}
		if found.Found == nil {
			return fmt.Sprintf("%d paths removed", len(c.Delete)), nil
		}
		note, err := b.write(ctx, found.Found)
		if err != nil {
			return "", err
		}
		if err := b.noteKept(*c, found.Plan().Names); err != nil {
			return "", err
		}
		if len(files) > 0 && c.Replace {
			note += " instead of what was there"
		}
		return note, nil
	})
}
