package content

import (
	"context"
	"time"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/servers"
)

// CreateBlueprint adds a blueprint. Its overlays must be ones that CheckStack takes.
// Errors: left4me.Invalid and left4me.Conflict, with the field.
func (c *Content) CreateBlueprint(ctx context.Context, v left4me.Blueprint) (left4me.Blueprint, error) {
	v.Settings = v.Settings.Normal()
	if err := c.checkBlueprint(ctx, v); err != nil {
		return v, err
	}
	v.CreatedAt = time.Now().UTC().Truncate(time.Millisecond)
	if err := c.storage.CreateBlueprint(ctx, v); err != nil {
		return v, err
	}
	return c.storage.Blueprint(ctx, v.Name)
}

// UpdateBlueprint changes overlays and settings of a blueprint. Servers on it get
// them when they start next. v.Version is the one that was looked at, 0 doesn't
// care. Errors: left4me.NotFound, left4me.Invalid with the field, and
// left4me.Conflict when somebody else changed it since.
func (c *Content) UpdateBlueprint(ctx context.Context, by string, v left4me.Blueprint) (left4me.Blueprint, error) {
	v.Settings = v.Settings.Normal()
	if err := c.checkBlueprint(ctx, v); err != nil {
		return v, err
	}
	if err := c.storage.UpdateBlueprint(ctx, v); err != nil {
		return v, err
	}
	return c.storage.Blueprint(ctx, v.Name)
}

// DeleteBlueprint removes a blueprint that no server uses. Errors:
// left4me.NotFound; left4me.Conflict that names the servers, and for the default
// one, which stays.
func (c *Content) DeleteBlueprint(ctx context.Context, by string, name left4me.Name) error {
	if name == left4me.DefaultBlueprint {
		return left4me.Errorf(left4me.Conflict, "the blueprint default stays: servers are made from it when nobody names another", "empty it instead")
	}
	return c.storage.DeleteBlueprint(ctx, name)
}

func (c *Content) checkBlueprint(ctx context.Context, v left4me.Blueprint) error {
	if _, err := left4me.ParseName(string(v.Name)); err != nil {
		return err
	}
	if err := servers.CheckSettings(v.Settings); err != nil {
		return err
	}
	return c.CheckStack(ctx, "overlays", v.Overlays)
}
