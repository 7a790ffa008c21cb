package overlays

import (
	"context"
	"errors"
	"time"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// Blueprints manages blueprints, which are reusable stacks of overlays with settings. It is safe
// for concurrent use.
type Blueprints struct{ overlays *Overlays }

// Blueprints returns the blueprints; the value may be copied.
func (c *Overlays) Blueprints() Blueprints { return Blueprints{c} }

// Create adds a blueprint. CheckStack must accept its overlays. Errors: left4me.Invalid and
// left4me.Conflict, with the field.
func (c Blueprints) Create(ctx context.Context, by left4me.Actor, v left4me.Blueprint) (left4me.Blueprint, error) {
	v.Settings = v.Settings.Normal()
	if err := c.Mistakes(ctx, v, true); err != nil {
		return v, err
	}
	v.CreatedAt = time.Now().UTC().Truncate(time.Millisecond)
	if err := c.overlays.storage.By(by).Blueprints().Create(ctx, v); err != nil {
		return v, err
	}
	return c.overlays.storage.Blueprints().Get(ctx, v.Name)
}

// Update replaces the overlays and settings of a blueprint. Its servers use them from their next
// start. v.Version is the version that was edited; 0 skips the check. Errors: left4me.NotFound,
// left4me.Invalid with the field, and left4me.Conflict if the blueprint was changed since that
// version.
func (c Blueprints) Update(ctx context.Context, by left4me.Actor, v left4me.Blueprint) (left4me.Blueprint, error) {
	v.Settings = v.Settings.Normal()
	if err := c.Mistakes(ctx, v, false); err != nil {
		return v, err
	}
	if err := c.overlays.storage.By(by).Blueprints().Update(ctx, v); err != nil {
		return v, err
	}
	return c.overlays.storage.Blueprints().Get(ctx, v.Name)
}

// Rename renames a blueprint. Its servers refer to the new name, and their stacks and settings stay
// the same. version is the version that was edited; 0 skips the check. Errors: left4me.NotFound;
// left4me.Invalid and left4me.Conflict for the field "name"; left4me.Conflict if the blueprint was
// changed since that version, and for the default blueprint, which cannot be renamed.
func (c Blueprints) Rename(ctx context.Context, by left4me.Actor, name, to left4me.Name, version int) (left4me.Blueprint, error) {
	if name == left4me.DefaultBlueprint && to != name {
		return left4me.Blueprint{}, left4me.NewError(left4me.Conflict, "blueprint.default_named")
	}
	if err := checkName(to); err != nil {
		return left4me.Blueprint{}, err
	}
	before, after, err := c.overlays.storage.By(by).Blueprints().Rename(ctx, name, to, version)
	if err == nil && before.Name != after.Name {
		c.overlays.log.InfoContext(ctx, "blueprint renamed", "blueprint", after.Name, "from", before.Name, "by", by.String())
	}
	return after, err
}

// checkName checks the syntax of a name. Errors: left4me.Fields of left4me.Invalid, for the field
// "name".
func checkName(n left4me.Name) error {
	_, err := left4me.ParseName(string(n))
	if e, ok := left4me.Public(err); ok {
		return left4me.Fields{e.ForField("name")}
	}
	return err
}

// Delete deletes a blueprint that no server uses. Errors: left4me.NotFound; left4me.Conflict naming
// the servers, and for the default blueprint.
func (c Blueprints) Delete(ctx context.Context, by left4me.Actor, name left4me.Name) error {
	if name == left4me.DefaultBlueprint {
		return left4me.NewError(left4me.Conflict, "blueprint.default_stays")
	}
	return c.overlays.storage.By(by).Blueprints().Delete(ctx, name)
}

// Mistakes returns everything that prevents a blueprint from being saved, all fields at once.
// Errors: left4me.Fields of left4me.Invalid and left4me.Conflict; left4me.Unavailable if only the
// host could tell.
func (c Blueprints) Mistakes(ctx context.Context, v left4me.Blueprint, new bool) error {
	var wrong, more left4me.Fields
	if err := checkName(v.Name); errors.As(err, &more) {
		wrong = append(wrong, more...)
	} else if _, err := c.overlays.storage.Blueprints().Get(ctx, v.Name); new && err == nil {
		wrong = append(wrong,
			left4me.NewError(left4me.Conflict, "blueprint.exists", "blueprint", v.Name).InField("name"))
	}
	for _, err := range []error{servers.CheckSettings(v.Settings.Normal()), c.overlays.CheckStack(ctx, "overlays", v.Overlays)} {
		if e, ok := left4me.Public(err); errors.As(err, &more) {
			wrong = append(wrong, more...)
		} else if ok && e.Field != "" {
			wrong = append(wrong, e)
		} else if err != nil && len(wrong) == 0 {
			return err
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}
