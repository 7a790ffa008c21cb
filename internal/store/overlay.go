package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Overlays accesses the table overlay.
type Overlays struct{ db *Store }

// Overlays returns access to overlays; the value may be copied.
func (s *Store) Overlays() Overlays { return Overlays{s} }

// Overlay is the definition of an overlay with the times of its last check and deletion.
type Overlay struct {
	left4me.Overlay
	CheckedAt time.Time // end of the last build
	DeletedAt time.Time // zero unless deleted
}

// OverlayScript is a version of an overlay's script.
type OverlayScript struct {
	Version   int
	Text      string
	By        string
	CreatedAt time.Time
}

const overlayColumns = `id, name, kind, definition, version, created_at, updated_at, looked_at, deleted_at, host_name`

func scanOverlay(r row) (Overlay, error) {
	var (
		v                Overlay
		id               left4me.ID
		name, onHost     left4me.Name
		kind             left4me.OverlayKind
		definition       string
		version          int
		created, updated int64
		checked, deleted sql.NullInt64
	)
	if err := r.Scan(&id, &name, &kind, &definition, &version, &created, &updated, &checked, &deleted, &onHost); err != nil {
		return v, err
	}
	err := fromJSON(definition, &v.Overlay)
	v.ID, v.Name, v.HostName, v.Kind, v.Version = id, name, onHost, kind, version // the columns override the JSON
	v.CreatedAt, v.UpdatedAt = fromMillis(created), fromMillis(updated)
	v.CheckedAt, v.DeletedAt = fromNull(checked), fromNull(deleted)
	return v, err
}

// Get returns one definition. Errors: left4me.NotFound.
func (s Overlays) Get(ctx context.Context, name left4me.Name) (Overlay, error) {
	return one(s.db.row(ctx, `SELECT `+overlayColumns+` FROM overlay WHERE name = ?`, name), scanOverlay, "overlay", name)
}

// List returns all definitions by name, including deleted ones.
func (s Overlays) List(ctx context.Context) ([]Overlay, error) {
	all, err := list(ctx, s.db, scanOverlay, `SELECT `+overlayColumns+` FROM overlay ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list overlays: %w", err)
	}
	return all, nil
}

// Cfg returns the raw lines that overlays add to server.cfg, for those that have any.
func (s Overlays) Cfg(ctx context.Context) (map[left4me.Name][]string, error) {
	all, err := list(ctx, s.db, scanOverlayCfg, overlayCfgQuery)
	if err != nil {
		return nil, fmt.Errorf("lines of overlays: %w", err)
	}
	return overlayCfg(all), nil
}

const overlayCfgQuery = `SELECT name, json_extract(definition, '$.cfg') FROM overlay
	WHERE deleted_at IS NULL AND json_array_length(definition, '$.cfg') > 0`

// overlayLines holds the raw lines of an overlay.
type overlayLines struct {
	name  left4me.Name
	lines []string
}

func scanOverlayCfg(r row) (v overlayLines, err error) {
	var text string
	if err := r.Scan(&v.name, &text); err != nil {
		return v, err
	}
	return v, fromJSON(text, &v.lines)
}

func overlayCfg(all []overlayLines) map[left4me.Name][]string {
	byName := make(map[left4me.Name][]string, len(all))
	for _, v := range all {
		byName[v.name] = v.lines
	}
	return byName
}

// Create adds a definition; its script, if any, becomes the first version. Errors: left4me.Conflict
// if another overlay has the name, here or on its host.
func (s Overlays) Create(ctx context.Context, by left4me.Actor, v left4me.Overlay) (Overlay, error) {
	v.ID, v.Version = NewID(time.Now()), 1
	if v.Script != nil {
		v.Script = &left4me.Script{Text: v.Script.Text, Version: 1}
	}
	definition, err := toJSON(v)
	if err == nil {
		err = s.db.tx(ctx, func(tx *transaction) error {
			if err := checkOverlayNameFree(ctx, tx, v.Name, v.ID); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx,
				`INSERT INTO overlay(id, name, kind, definition, version, created_at, updated_at) VALUES (?,?,?,?,1,?,?)`,
				v.ID, v.Name, v.Kind, definition, millis(v.CreatedAt), millis(v.CreatedAt))
			if err == nil {
				err = tx.eventBy(ctx, by, left4me.OverlayCreated, v.Target(),
					left4me.DefinitionEvent{Version: 1})
			}
			if err != nil || v.Script == nil {
				return err
			}
			return addScript(ctx, tx, v.Name, *v.Script, by.String(), v.CreatedAt)
		})
	}
	if err != nil {
		return Overlay{}, fmt.Errorf("create overlay %s: %w", v.Name, err)
	}
	return s.Get(ctx, v.Name)
}

// Update replaces the definition that had v.Version. A script with a new text becomes the next
// version. Errors: left4me.NotFound, left4me.Conflict if the overlay has another version now, is
// deleted or of another kind.
func (s Overlays) Update(ctx context.Context, by left4me.Actor, v left4me.Overlay) (Overlay, error) {
	asked := v
	err := s.db.tx(ctx, func(tx *transaction) error {
		v := asked
		old, err := one(tx.QueryRowContext(ctx, `SELECT `+overlayColumns+` FROM overlay WHERE name = ?`, v.Name),
			scanOverlay, "overlay", v.Name)
		switch {
		case err != nil:
			return err
		case !old.DeletedAt.IsZero():
			return left4me.NewError(left4me.Conflict, "overlay.deleted", "overlay", v.Name)
		case old.Version != v.Version:
			return left4me.NewError(left4me.Conflict, "overlay.changed", "overlay", v.Name).InField("version")
		case old.Kind != v.Kind:
			return left4me.NewError(left4me.Conflict, "overlay.kind_stays", "overlay", v.Name, "kind", old.Kind).InField("kind")
		}
		if v.Script != nil {
			next := left4me.Script{Text: v.Script.Text, Version: 1}
			if old.Script != nil {
				next.Version = old.Script.Version
			}
			if old.Script == nil || old.Script.Text != next.Text {
				next.Version++
				if err := addScript(ctx, tx, v.Name, next, by.String(), v.UpdatedAt); err != nil {
					return err
				}
			}
			v.Script = &next
		}
		if v.Moves == nil { // clients that don't know moves must not remove them
			v.Moves = old.Moves
		}
		v.Version, v.CreatedAt = old.Version+1, old.CreatedAt
		definition, err := toJSON(v)
		if err != nil {
			return err
		}
		return checkPorts(ctx, tx, "", "cfg", func() error {
			_, err := tx.ExecContext(ctx, `UPDATE overlay SET definition = ?, version = ?, updated_at = ? WHERE name = ?`,
				definition, v.Version, millis(v.UpdatedAt), v.Name)
			if err != nil {
				return err
			}
			return tx.eventBy(ctx, by, left4me.OverlayChanged, old.Target(),
				left4me.DefinitionEvent{Version: v.Version})
		})
	})
	if err != nil {
		return Overlay{}, fmt.Errorf("update overlay %s: %w", v.Name, err)
	}
	return s.Get(ctx, v.Name)
}

// RememberMoves merges moves of uploaded folders into those remembered for an overlay; a move with
// an empty destination is forgotten. The definition keeps its version, because users don't edit
// moves as part of it. Errors: left4me.NotFound.
func (s Overlays) RememberMoves(ctx context.Context, name left4me.Name, moves []left4me.FolderMove) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		v, err := one(tx.QueryRowContext(ctx, `SELECT `+overlayColumns+` FROM overlay WHERE name = ?`, name), scanOverlay, "overlay", name)
		if err != nil {
			return err
		}
		v.Moves = left4me.MergeMoves(v.Moves, moves)
		definition, err := toJSON(v.Overlay)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE overlay SET definition = ? WHERE name = ?`, definition, name)
		return err
	})
	if err != nil {
		return fmt.Errorf("remember moves of overlay %s: %w", name, err)
	}
	return nil
}

func addScript(ctx context.Context, tx *transaction, name left4me.Name, v left4me.Script, by string, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO overlay_script(overlay, version, text, asked_by, created_at) VALUES (?,?,?,?,?)`,
		name, v.Version, v.Text, by, millis(at))
	return err
}

// Scripts returns the versions of an overlay's script, newest first.
func (s Overlays) Scripts(ctx context.Context, name left4me.Name) ([]OverlayScript, error) {
	all, err := list(ctx, s.db, func(r row) (v OverlayScript, err error) {
		var created int64
		err = r.Scan(&v.Version, &v.Text, &v.By, &created)
		v.CreatedAt = fromMillis(created)
		return v, err
	}, `SELECT version, text, asked_by, created_at FROM overlay_script WHERE overlay = ? ORDER BY version DESC`, name)
	if err != nil {
		return nil, fmt.Errorf("scripts of overlay %s: %w", name, err)
	}
	return all, nil
}

// Drop removes the definition of an overlay that was deleted before the given time, unless a job on
// it is active.
func (s Overlays) Drop(ctx context.Context, name left4me.Name, before time.Time) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		on, err := tx.identify(ctx, left4me.OnOverlay(name))
		if err != nil {
			return err
		}
		n, err := rowsAffected(tx.ExecContext(ctx, `DELETE FROM overlay WHERE name = ? AND deleted_at < ? AND NOT EXISTS (
			SELECT 1 FROM job WHERE noun = 'overlay' AND target = overlay.name AND state IN ('queued','running'))`, name, millis(before)))
		if err != nil || n == 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM host_report WHERE target_id = ?`, on.ID); err != nil {
			return err
		}
		return tx.event(ctx, left4me.OverlayDropped, on, nil)
	})
	if err != nil {
		return fmt.Errorf("drop overlay %s: %w", name, err)
	}
	return nil
}

// endOverlayJob records what a job did to an overlay, in the transaction that ends the job, so that
// the two rows never disagree.
func endOverlayJob(ctx context.Context, tx *transaction, v left4me.Job) error {
	at, done := millis(v.EndedAt), v.State == left4me.JobDone
	if v.Kind == left4me.BuildOverlay && !done {
		if err := dropUnrestored(ctx, tx, v); err != nil {
			return err
		}
	}
	query, args := "", []any{at, v.TargetID}
	var kind left4me.EventKind
	switch {
	case v.Kind == left4me.BuildOverlay:
		query = `UPDATE overlay SET looked_at = ? WHERE id = ?`
	case v.Kind == left4me.DeleteOverlay && done:
		query, kind = `UPDATE overlay SET deleted_at = ? WHERE id = ?`, left4me.OverlayDeleted
	case v.Kind == left4me.RestoreOverlay && done:
		query, args, kind = `UPDATE overlay SET deleted_at = NULL WHERE id = ?`, args[1:], left4me.OverlayRestored
	default:
		return nil
	}
	n, err := rowsAffected(tx.ExecContext(ctx, query, args...))
	if err != nil || n == 0 || kind == "" {
		return err
	}
	return tx.writeEvent(ctx, v.By, kind, targetOf(v), nil)
}

// dropUnrestored removes an overlay that was created for files of a backup, if the job v could not read
// them.
func dropUnrestored(ctx context.Context, tx *transaction, v left4me.Job) error {
	var text []byte
	if err := tx.QueryRowContext(ctx, `SELECT spec FROM job WHERE id = ?`, v.ID).Scan(&text); err != nil {
		return err
	}
	var spec left4me.BuildSpec
	if len(text) == 0 || fromJSON(string(text), &spec) != nil || spec.FromBackup == nil || !spec.FromBackup.New {
		return nil
	}
	n, err := rowsAffected(tx.ExecContext(ctx, `DELETE FROM overlay WHERE id = ?`, v.TargetID))
	if err != nil || n == 0 {
		return err
	}
	return tx.writeEvent(ctx, v.By, left4me.OverlayDropped, targetOf(v), nil)
}
