package store

import (
	"context"
	"fmt"

	"github.com/left4me/left4me/internal/left4me"
)

// Rename renames a blueprint and updates the references of its servers. The servers get a new
// version, so that an edit based on an earlier one cannot select a later blueprint of the old name.
// Rename returns the blueprint before and after. Errors: left4me.NotFound; left4me.Conflict for the
// field "name" if the name is taken, and if version is neither 0 nor the current version.
func (s Blueprints) Rename(ctx context.Context, name, to left4me.Name, version int) (before, after left4me.Blueprint, err error) {
	err = s.db.tx(ctx, func(tx *transaction) error {
		before, err = one(tx.QueryRowContext(ctx, `SELECT `+blueprintColumns+` FROM blueprint WHERE name = ?`, name),
			scanBlueprint, "blueprint", name)
		if err == nil {
			err = checkVersion(before.Version, version,
				left4me.NewError(left4me.Conflict, "blueprint.changed", "blueprint", name, "version", before.Version))
		}
		if err != nil {
			return err
		}
		after = before
		if to == name {
			return nil
		}
		after.Name, after.Version = to, before.Version+1
		return renameBlueprint(ctx, tx, before, after)
	})
	if err != nil {
		return before, after, fmt.Errorf("rename blueprint %s: %w", name, err)
	}
	return before, after, nil
}

func renameBlueprint(ctx context.Context, tx *transaction, before, after left4me.Blueprint) error {
	taken, err := tx.identify(ctx, left4me.OnBlueprint(after.Name))
	if err != nil {
		return err
	}
	if taken.ID != "" {
		return left4me.NewError(left4me.Conflict, "blueprint.exists", "blueprint", after.Name).InField("name")
	}
	// Until the commit, servers may refer to the old name, which no longer exists.
	if _, err := tx.ExecContext(ctx, `PRAGMA defer_foreign_keys = ON`); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE blueprint SET name = ?, version = ? WHERE id = ?`, after.Name, after.Version, after.ID)
	if err != nil {
		return err
	}
	servers, err := queryAll(ctx, tx, scanServer, `SELECT `+serverColumns+` FROM server WHERE blueprint = ? ORDER BY name`, before.Name)
	if err != nil {
		return err
	}
	for _, v := range servers {
		_, err := tx.ExecContext(ctx, `UPDATE server SET blueprint = ?, version = version + 1 WHERE id = ?`, after.Name, v.ID)
		if err == nil {
			err = tx.event(ctx, left4me.ServerChanged, v.Target(), left4me.DefinitionEvent{Version: v.Version + 1})
		}
		if err != nil {
			return err
		}
	}
	err = editDeleted(ctx, tx, func(v *left4me.Server) bool {
		if v.Blueprint != before.Name {
			return false
		}
		v.Blueprint = after.Name
		return true
	})
	if err != nil {
		return err
	}
	return tx.event(ctx, left4me.BlueprintRenamed, after.Target(),
		left4me.RenameEvent{From: before.Name, To: after.Name, Version: after.Version})
}
