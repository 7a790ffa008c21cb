package build

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/content/workshop"
	"github.com/left4me/left4me/internal/left4me"
)

// buildWorkshop asks Steam for the items of an overlay, downloads new versions, and stages a file for
// each item. Unavailable items keep their file from the current revision.
func buildWorkshop(ctx context.Context, b *build) error {
	if b.spec.Overlay.Workshop == nil {
		return left4me.NewError(left4me.Invalid, "overlay.names_no_items", "overlay", b.spec.Overlay.Name)
	}
	var plan *workshop.Plan
	err := b.p.Step(ctx, left4me.StepAskWorkshop, func(ctx context.Context) (_ left4me.Notes, err error) {
		before, err := b.itemsBefore(ctx)
		if err != nil {
			return nil, err
		}
		plan, err = b.builder.Workshop.Ask(ctx, *b.spec.Overlay.Workshop, before)
		if err != nil {
			return nil, err
		}
		return plan.Notes(), nil
	})
	if err != nil {
		return err
	}
	return b.p.Step(ctx, left4me.StepFetch, func(ctx context.Context) (left4me.Notes, error) {
		items, err := b.builder.Workshop.Fetch(ctx, plan, workshop.Into{
			Link: b.staging.Link, Progress: b.progress(left4me.StepFetch), Print: b.p.Print,
		})
		if err != nil {
			return nil, err
		}
		b.meta.Items = items
		b.meta.Warnings = append(b.meta.Warnings, workshop.Warnings(items)...)
		return workshop.Summary(items), nil
	})
}

// itemsBefore returns the items of the current revision and their locations.
func (b *build) itemsBefore(ctx context.Context) (*workshop.Before, error) {
	name := b.spec.Overlay.Name
	c, err := b.builder.Repository.Get(ctx, name, 0, overlays.Used{})
	if errors.Is(err, left4me.NotFound) {
		return &workshop.Before{}, nil
	}
	if err != nil {
		return nil, err
	}
	before := &workshop.Before{File: func(path string) string {
		return filepath.Join(b.builder.Files.Root.Overlay(name), strconv.Itoa(c.Current), filepath.FromSlash(path))
	}}
	for _, r := range c.Revisions {
		if r.Number == c.Current {
			before.Items = r.Items
		}
	}
	return before, nil
}
