package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/left4me/left4me/internal/left4me"
)

// Names returns the names of overlays that differ on the host.
func (s Overlays) Names(ctx context.Context) (left4me.OverlayNames, error) {
	type pair struct{ name, host left4me.Name }
	all, err := list(ctx, s.db, func(r row) (v pair, err error) { return v, r.Scan(&v.name, &v.host) },
		`SELECT name, host_name FROM overlay WHERE host_name <> ''`)
	if err != nil {
		return left4me.OverlayNames{}, fmt.Errorf("names of overlays on their host: %w", err)
	}
	onHost := make(map[left4me.Name]left4me.Name, len(all))
	for _, v := range all {
		onHost[v.name] = v.host
	}
	return left4me.NewOverlayNames(onHost), nil
}

// overlayOnHost returns the current name of an overlay for its host name; the overlay may have no
// row. It returns "" for a directory with the name of a renamed overlay whose files are in another
// directory.
func overlayOnHost(ctx context.Context, tx *transaction, host left4me.Name) (left4me.Name, error) {
	v, err := one(tx.QueryRowContext(ctx, `SELECT `+overlayColumns+` FROM overlay WHERE name = ?1 OR host_name = ?1`, host),
		scanOverlay, "overlay", host)
	switch {
	case errors.Is(err, left4me.NotFound):
		return host, nil
	case err != nil:
		return "", err
	case v.OnHost() != host:
		return "", nil
	}
	return v.Name, nil
}

// checkOverlayNameFree checks that no other overlay has the name, here or on its host.
func checkOverlayNameFree(ctx context.Context, tx *transaction, name left4me.Name, id left4me.ID) error {
	v, err := one(tx.QueryRowContext(ctx, `SELECT `+overlayColumns+` FROM overlay WHERE (name = ?1 OR host_name = ?1) AND id <> ?2`, name,
		id),
		scanOverlay, "overlay", name)
	switch {
	case errors.Is(err, left4me.NotFound):
		return nil
	case err != nil:
		return err
	case v.Name != name:
		return left4me.NewError(left4me.Conflict, "overlay.name_on_host", "overlay", v.Name, "name", name).InField("name")
	case !v.DeletedAt.IsZero():
		return left4me.NewError(left4me.Conflict, "overlay.name_of_deleted", "overlay", name).InField("name")
	}
	return left4me.NewError(left4me.Conflict, "overlay.exists", "overlay", name).InField("name")
}

// Rename renames an overlay in one transaction: its row and all rows that refer to it, its jobs,
// and the stacks of servers and blueprints, which get a new version. The host keeps its name for
// it. Rename returns the overlay before and after. Errors: left4me.NotFound; left4me.Conflict for
// the field "name" if another overlay has the name, here or on its host; left4me.Conflict if
// version is neither 0 nor the current version, and if the overlay is deleted or being deleted.
func (s Overlays) Rename(ctx context.Context, name, to left4me.Name, version int) (before, after Overlay, err error) {
	err = s.db.tx(ctx, func(tx *transaction) error {
		before, err = one(tx.QueryRowContext(ctx, `SELECT `+overlayColumns+` FROM overlay WHERE name = ?`, name), scanOverlay, "overlay",
			name)
		if err == nil {
			err = checkVersion(before.Version, version, left4me.NewError(left4me.Conflict, "overlay.changed", "overlay", name))
		}
		if err == nil {
			err = checkOverlayRenamable(ctx, tx, before)
		}
		if err != nil {
			return err
		}
		after = before
		if to == name {
			return nil
		}
		if err := checkOverlayNameFree(ctx, tx, to, before.ID); err != nil {
			return err
		}
		after.Name, after.HostName, after.Version = to, before.OnHost(), before.Version+1
		if after.HostName == to { // back to the host's name
			after.HostName = ""
		}
		return renameOverlay(ctx, tx, before, after)
	})
	if err != nil {
		return before, after, fmt.Errorf("rename overlay %s: %w", name, err)
	}
	return before, after, nil
}

// checkOverlayRenamable checks that an overlay can be renamed now.
func checkOverlayRenamable(ctx context.Context, tx *transaction, v Overlay) error {
	if !v.DeletedAt.IsZero() {
		return left4me.NewError(left4me.Conflict, "overlay.deleted", "overlay", v.Name)
	}
	var id left4me.JobID
	err := tx.QueryRowContext(ctx, `SELECT id FROM job WHERE target_id = ? AND kind = ? AND state IN ('queued','running')`,
		v.ID, left4me.DeleteOverlay).Scan(&id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return left4me.NewError(left4me.Conflict, "overlay.being_deleted", "overlay", v.Name)
}

// renameOverlay updates the name wherever it is stored.
func renameOverlay(ctx context.Context, tx *transaction, before, after Overlay) error {
	// Until the commit, scripts and rollouts may refer to the old name.
	if _, err := tx.ExecContext(ctx, `PRAGMA defer_foreign_keys = ON`); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE overlay SET name = ?, host_name = ?, version = ? WHERE id = ?`,
		after.Name, after.HostName, after.Version, after.ID); err != nil {
		return err
	}
	// Reports about an earlier overlay of the new name must not apply to this one.
	if _, err := tx.ExecContext(ctx, `DELETE FROM host_report WHERE noun = 'overlay' AND name = ?`, after.Name); err != nil {
		return err
	}
	for _, statement := range []string{
		`UPDATE overlay_script SET overlay = ?2 WHERE overlay = ?3`,
		`UPDATE content_restart SET overlay = ?2 WHERE overlay = ?3`,
		`UPDATE job SET target = ?2 WHERE target_id = ?1`,
		`UPDATE host_report SET name = ?2 WHERE noun = 'overlay' AND target_id = ?1`,
	} {
		if _, err := tx.ExecContext(ctx, statement, after.ID, after.Name, before.Name); err != nil {
			return err
		}
	}
	if err := restack(ctx, tx, before.Name, after.Name); err != nil {
		return err
	}
	return tx.event(ctx, left4me.OverlayRenamed, after.Target(),
		left4me.RenameEvent{From: before.Name, To: after.Name, Version: after.Version})
}

// restack replaces the name of an overlay in the stacks of servers and blueprints.
func restack(ctx context.Context, tx *transaction, from, to left4me.Name) error {
	servers, err := queryAll(ctx, tx, scanServer, `SELECT `+serverColumns+` FROM server ORDER BY name`)
	if err != nil {
		return err
	}
	for _, v := range servers {
		if err := restackOne(ctx, tx, `UPDATE server SET overlays = ?, version = ? WHERE id = ?`, left4me.ServerChanged,
			v.Target(), v.Version, v.Overlays, from, to); err != nil {
			return err
		}
	}
	blueprints, err := queryAll(ctx, tx, scanBlueprint, `SELECT `+blueprintColumns+` FROM blueprint ORDER BY name`)
	if err != nil {
		return err
	}
	for _, v := range blueprints {
		if err := restackOne(ctx, tx, `UPDATE blueprint SET overlays = ?, version = ? WHERE id = ?`, left4me.BlueprintChanged,
			v.Target(), v.Version, v.Overlays, from, to); err != nil {
			return err
		}
	}
	return restackDeleted(ctx, tx, from, to)
}

func restackOne(ctx context.Context, tx *transaction, update string, kind left4me.EventKind, on left4me.Target, version int,
	stack []left4me.OverlayRef, from, to left4me.Name,
) error {
	named := func(r left4me.OverlayRef) bool { return r.Name == from }
	if !slices.ContainsFunc(stack, named) {
		return nil
	}
	for i := range stack {
		if named(stack[i]) {
			stack[i].Name = to
		}
	}
	text, err := toJSON(stack)
	if err == nil {
		_, err = tx.ExecContext(ctx, update, text, version+1, on.ID)
	}
	if err != nil {
		return err
	}
	return tx.event(ctx, kind, on, left4me.DefinitionEvent{Version: version + 1})
}
