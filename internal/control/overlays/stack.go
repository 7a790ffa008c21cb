package overlays

import (
	"context"
	"fmt"
	"slices"

	"github.com/left4me/left4me/internal/left4me"
)

// maxOverlays leaves room for the configuration and the game within the 500 layers that the
// kernel's overlayfs supports.
const maxOverlays = 480

// CheckStack validates a stack of overlays. An overlay may have no revision yet; starting a server
// then fails. A pinned revision must exist. Errors: left4me.Fields of left4me.Invalid, for field
// and field[i]; left4me.Unavailable if only the host could tell.
func (c *Overlays) CheckStack(ctx context.Context, field string, refs []left4me.OverlayRef) error {
	if len(refs) > maxOverlays {
		return left4me.NewError(left4me.Invalid, "stack.too_many_overlays", "count", len(refs), "limit", maxOverlays).InField(field)
	}
	if len(refs) == 0 {
		return nil
	}
	k, err := c.known(ctx)
	if err != nil {
		return err
	}
	var wrong left4me.Fields
	for i, r := range refs {
		e := k.missing(r)
		if slices.ContainsFunc(refs[:i], func(p left4me.OverlayRef) bool { return p.Name == r.Name }) {
			e = left4me.NewError(left4me.Invalid, "stack.overlay_twice", "overlay", r.Name)
		}
		if e == nil {
			continue
		}
		if k.problem != nil && !k.deleted(r.Name) { // the host may have the overlay
			return k.problem
		}
		wrong = append(wrong, e.InField(fmt.Sprintf("%s[%d]", field, i)))
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// missing returns why an overlay cannot be stacked, or nil.
func (k known) missing(r left4me.OverlayRef) *left4me.Error {
	d, defined := k.definitions[r.Name]
	have, there := k.contents[r.Name]
	switch {
	case defined && !d.DeletedAt.IsZero(), there && !have.DeletedAt.IsZero():
		return left4me.NewError(left4me.Invalid, "stack.overlay_deleted", "overlay", r.Name)
	case !defined && !there:
		return left4me.NewError(left4me.Invalid, "overlay.unknown", "overlay", r.Name)
	case r.Revision == 0 || slices.ContainsFunc(have.Revisions, func(v left4me.Revision) bool { return v.Number == r.Revision }):
		return nil
	}
	return left4me.NewError(left4me.Invalid, "stack.revision_unknown", "overlay", r.Name, "revision", r.Revision)
}
