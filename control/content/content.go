// Package content is the side of overlays and blueprints that people talk to:
// which content a host has, and the recipes that stack it.
package content

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/bus"
	"github.com/left4me/left4me/control/servers"
	"github.com/left4me/left4me/store"
)

// maxOverlays leaves room for the configuration and the game in the 500 layers
// that the kernel stacks.
const maxOverlays = 480

// Storage is what content needs of the store.
type Storage interface {
	Blueprint(ctx context.Context, name left4me.Name) (left4me.Blueprint, error)
	Blueprints(ctx context.Context) ([]left4me.Blueprint, error)
	CreateBlueprint(ctx context.Context, v left4me.Blueprint) error
}

var _ Storage = (*store.Store)(nil)

// Content is the list of blueprints and what they stack. It is safe for
// concurrent use.
type Content struct {
	storage Storage
	bus     *bus.Bus
}

// New makes the list.
func New(storage Storage, b *bus.Bus) *Content { return &Content{storage: storage, bus: b} }

// Blueprint returns one blueprint. Errors: left4me.NotFound.
func (c *Content) Blueprint(ctx context.Context, name left4me.Name) (left4me.Blueprint, error) {
	return c.storage.Blueprint(ctx, name)
}

// Blueprints returns all blueprints by name.
func (c *Content) Blueprints(ctx context.Context) ([]left4me.Blueprint, error) {
	return c.storage.Blueprints(ctx)
}

// Overlays returns the overlays that a host has, by name.
func (c *Content) Overlays(ctx context.Context, host left4me.Name) ([]left4me.Name, error) {
	var all []left4me.Name
	err := c.bus.Request(ctx, bus.Command(host, bus.VerbOverlays), bus.Empty{V: bus.Version}, &all)
	return all, err
}

// CreateBlueprint adds a blueprint. Its overlays must be on the local host.
// Errors: left4me.Invalid and left4me.Conflict, with the field.
func (c *Content) CreateBlueprint(ctx context.Context, v left4me.Blueprint) (left4me.Blueprint, error) {
	if _, err := left4me.ParseName(string(v.Name)); err != nil {
		return v, err
	}
	if len(v.Overlays) > maxOverlays {
		return v, &left4me.Error{Kind: left4me.Invalid, Field: "overlays", Text: fmt.Sprintf("%d overlays are too many", len(v.Overlays)), Hint: fmt.Sprintf("use at most %d", maxOverlays)}
	}
	if err := servers.CheckSettings(v.Settings); err != nil {
		return v, err
	}
	if len(v.Overlays) > 0 {
		have, err := c.Overlays(ctx, left4me.LocalHost)
		if err != nil {
			return v, err
		}
		for i, o := range v.Overlays {
			field := fmt.Sprintf("overlays[%d]", i)
			if !slices.Contains(have, o.Name) {
				return v, &left4me.Error{Kind: left4me.Invalid, Field: field, Text: fmt.Sprintf("there is no overlay %q", o.Name)}
			}
			if slices.ContainsFunc(v.Overlays[:i], func(p left4me.OverlayRef) bool { return p.Name == o.Name }) {
				return v, &left4me.Error{Kind: left4me.Invalid, Field: field, Text: fmt.Sprintf("overlay %q is there twice", o.Name)}
			}
		}
	}
	v.CreatedAt = time.Now().UTC().Truncate(time.Millisecond)
	return v, c.storage.CreateBlueprint(ctx, v)
}
