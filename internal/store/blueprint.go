package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Blueprints accesses the table blueprint.
type Blueprints struct{ db *Store }

// Blueprints returns access to blueprints; the value may be copied.
func (s *Store) Blueprints() Blueprints { return Blueprints{s} }

const blueprintColumns = `id, name, overlays, settings, created_at, version`

func scanBlueprint(r row) (left4me.Blueprint, error) {
	var (
		v                  left4me.Blueprint
		overlays, settings string
		created            int64
	)
	if err := r.Scan(&v.ID, &v.Name, &overlays, &settings, &created, &v.Version); err != nil {
		return v, err
	}
	v.CreatedAt = fromMillis(created)
	return v, errors.Join(fromJSON(overlays, &v.Overlays), fromJSON(settings, &v.Settings))
}

// Get returns one blueprint. Errors: left4me.NotFound.
func (s Blueprints) Get(ctx context.Context, name left4me.Name) (left4me.Blueprint, error) {
	return one(s.db.row(ctx, `SELECT `+blueprintColumns+` FROM blueprint WHERE name = ?`, name), scanBlueprint,
		"blueprint", name)
}

// List returns all blueprints by name.
func (s Blueprints) List(ctx context.Context) ([]left4me.Blueprint, error) {
	all, err := list(ctx, s.db, scanBlueprint, `SELECT `+blueprintColumns+` FROM blueprint ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list blueprints: %w", err)
	}
	return all, nil
}

// Create adds a blueprint. Errors: left4me.Conflict if the name is taken.
func (s Blueprints) Create(ctx context.Context, v left4me.Blueprint) error {
	overlays, err := toJSON(v.Overlays)
	if err != nil {
		return fmt.Errorf("create blueprint %s: %w", v.Name, err)
	}
	settings, err := toJSON(v.Settings)
	if err != nil {
		return fmt.Errorf("create blueprint %s: %w", v.Name, err)
	}
	v.ID = NewID(time.Now())
	err = s.db.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO blueprint(`+blueprintColumns+`) VALUES (?,?,?,?,?,1)`,
			v.ID, v.Name, overlays, settings, millis(v.CreatedAt))
		if uniqueViolation(err) {
			return left4me.NewError(left4me.Conflict, "blueprint.exists", "blueprint", v.Name).InField("name")
		}
		if err != nil {
			return err
		}
		return tx.event(ctx, left4me.BlueprintCreated, v.Target(), left4me.DefinitionEvent{Version: 1})
	})
	if err != nil {
		return fmt.Errorf("create blueprint %s: %w", v.Name, err)
	}
	return nil
}

// Update replaces the overlays and settings of a blueprint. v.Version is the version that was
// edited; 0 skips the check. Errors: left4me.NotFound, and left4me.Conflict if the blueprint was
// changed since that version, or for the field "settings.cfg" if one of its servers would open a
// port used by another.
func (s Blueprints) Update(ctx context.Context, v left4me.Blueprint) error {
	overlays, err := toJSON(v.Overlays)
	if err != nil {
		return fmt.Errorf("update blueprint %s: %w", v.Name, err)
	}
	settings, err := toJSON(v.Settings)
	if err != nil {
		return fmt.Errorf("update blueprint %s: %w", v.Name, err)
	}
	err = s.db.tx(ctx, func(tx *transaction) error {
		have, err := one(tx.QueryRowContext(ctx, `SELECT `+blueprintColumns+` FROM blueprint WHERE name = ?`, v.Name),
			scanBlueprint, "blueprint", v.Name)
		if err == nil {
			err = checkVersion(have.Version, v.Version,
				left4me.NewError(left4me.Conflict, "blueprint.changed", "blueprint", v.Name, "version", have.Version))
		}
		if err != nil {
			return err
		}
		return checkPorts(ctx, tx, "", "settings.cfg", func() error {
			_, err := tx.ExecContext(ctx, `UPDATE blueprint SET overlays = ?, settings = ?, version = version + 1 WHERE name = ?`,
				overlays, settings, v.Name)
			if err != nil {
				return err
			}
			return tx.event(ctx, left4me.BlueprintChanged, have.Target(), left4me.DefinitionEvent{Version: have.Version + 1})
		})
	})
	if err != nil {
		return fmt.Errorf("update blueprint %s: %w", v.Name, err)
	}
	return nil
}

// Delete deletes a blueprint. Errors: left4me.NotFound, and left4me.Conflict naming the servers
// that use it.
func (s Blueprints) Delete(ctx context.Context, name left4me.Name) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		users, err := queryAll(ctx, tx, func(r row) (n string, err error) { return n, r.Scan(&n) },
			`SELECT name FROM server WHERE blueprint = ? ORDER BY name`, name)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			return left4me.NewError(left4me.Conflict, "blueprint.used", "blueprint", name, "servers", strings.Join(users, ", "))
		}
		on, err := tx.identify(ctx, left4me.OnBlueprint(name))
		if err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, `DELETE FROM blueprint WHERE name = ?`, name)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err == nil && n == 0 {
			return left4me.NoSuch("blueprint", string(name))
		}
		return tx.event(ctx, left4me.BlueprintDeleted, on, nil)
	})
	if err != nil {
		return fmt.Errorf("delete blueprint %s: %w", name, err)
	}
	return nil
}
