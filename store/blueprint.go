package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/left4me/left4me"
)

const blueprintColumns = `name, overlays, settings, created_at`

func scanBlueprint(r row) (left4me.Blueprint, error) {
	var (
		v                  left4me.Blueprint
		overlays, settings string
		created            int64
	)
	if err := r.Scan(&v.Name, &overlays, &settings, &created); err != nil {
		return v, err
	}
	v.CreatedAt = fromMillis(created)
	return v, errors.Join(fromJSON(overlays, &v.Overlays), fromJSON(settings, &v.Settings))
}

// Blueprint returns one blueprint. Errors: left4me.NotFound.
func (s *Store) Blueprint(ctx context.Context, name left4me.Name) (left4me.Blueprint, error) {
	v, err := scanBlueprint(s.read.QueryRowContext(ctx, `SELECT `+blueprintColumns+` FROM blueprint WHERE name = ?`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return v, notFound("blueprint", string(name))
	}
	if err != nil {
		return v, fmt.Errorf("get blueprint %s: %w", name, err)
	}
	return v, nil
}

// Blueprints returns all blueprints by name.
func (s *Store) Blueprints(ctx context.Context) ([]left4me.Blueprint, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+blueprintColumns+` FROM blueprint ORDER BY name`)
	all, err := collect(rows, err, scanBlueprint)
	if err != nil {
		return nil, fmt.Errorf("list blueprints: %w", err)
	}
	return all, nil
}

// CreateBlueprint adds a blueprint. Errors: left4me.Conflict when the name is
// taken.
func (s *Store) CreateBlueprint(ctx context.Context, v left4me.Blueprint) error {
	overlays, err := toJSON(v.Overlays)
	if err != nil {
		return fmt.Errorf("create blueprint %s: %w", v.Name, err)
	}
	settings, err := toJSON(v.Settings)
	if err != nil {
		return fmt.Errorf("create blueprint %s: %w", v.Name, err)
	}
	err = s.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO blueprint(`+blueprintColumns+`) VALUES (?,?,?,?)`,
			v.Name, overlays, settings, millis(v.CreatedAt))
		if violates(err) {
			return &left4me.Error{Kind: left4me.Conflict, Field: "name", Text: fmt.Sprintf("there is a blueprint %q already", v.Name), Hint: "choose another name"}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("create blueprint %s: %w", v.Name, err)
	}
	return nil
}
