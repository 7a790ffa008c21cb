package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Servers accesses the table server.
type Servers struct{ db *Store }

// Servers returns access to servers; the value may be copied.
func (s *Store) Servers() Servers { return Servers{s} }

const serverColumns = `id, name, host, port, blueprint, settings, created_at, overlays, version,
	autostart, wanted, wanted_by, wanted_at, held, boot_id, host_name`

func scanServer(r row) (left4me.Server, error) {
	var (
		v        left4me.Server
		settings string
		created  int64
		overlays string
		wantedAt sql.NullInt64
	)
	err := r.Scan(&v.ID, &v.Name, &v.Host, &v.Port, &v.Blueprint, &settings, &created, &overlays, &v.Version,
		&v.Autostart, &v.Wanted, &v.WantedBy, &wantedAt, &v.Held, &v.BootID, &v.HostName)
	if err != nil {
		return v, err
	}
	v.CreatedAt, v.WantedAt = fromMillis(created), fromNull(wantedAt)
	return v, errors.Join(fromJSON(settings, &v.Settings), fromJSON(overlays, &v.Overlays))
}

// Get returns one server. Errors: left4me.NotFound.
func (s Servers) Get(ctx context.Context, name left4me.Name) (left4me.Server, error) {
	return one(s.db.row(ctx, `SELECT `+serverColumns+` FROM server WHERE name = ?`, name), scanServer, "server", name)
}

// List returns all servers by name.
func (s Servers) List(ctx context.Context) ([]left4me.Server, error) {
	all, err := list(ctx, s.db, scanServer, `SELECT `+serverColumns+` FROM server ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list servers: %w", err)
	}
	return all, nil
}

// Create adds servers whose wanted state is stopped: all of them, or none if there is an error.
// Errors: left4me.Conflict for the field "name" or "port" if it is taken, left4me.Invalid for an
// unknown blueprint. Create assigns new ids and ignores those of all.
func (s Servers) Create(ctx context.Context, all ...left4me.Server) error {
	at := left4me.Name("")
	err := s.db.tx(ctx, func(tx *transaction) error {
		for _, v := range all {
			at = v.Name
			if err := insertServer(ctx, tx, v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("create server %s: %w", at, err)
	}
	return nil
}

func insertServer(ctx context.Context, tx *transaction, v left4me.Server) error {
	settings, err := toJSON(v.Settings)
	if err != nil {
		return err
	}
	overlays, err := toJSON(v.Overlays)
	if err != nil {
		return err
	}
	id := NewID(time.Now())
	v.ID = "" // no existing server may be mistaken for the new one
	if err := checkNameAndPort(ctx, tx, v); err != nil {
		return err
	}
	return checkPorts(ctx, tx, v.Name, "settings.cfg", func() error {
		_, err := tx.ExecContext(ctx,
			`INSERT INTO server(id, name, host, port, blueprint, settings, created_at, overlays, autostart, boot_id)
			VALUES (?,?,?,?,?,?,?,?,?,?)`,
			id, v.Name, v.Host, v.Port, v.Blueprint, settings, millis(v.CreatedAt), overlays,
			cmp.Or(v.Autostart, left4me.AutostartLast),
			v.BootID)
		if err != nil {
			return err
		}
		return tx.event(ctx, left4me.ServerCreated, left4me.Target{Kind: left4me.ServerTarget, ID: id, Name: string(v.Name)},
			left4me.DefinitionEvent{Version: 1})
	})
}

// Update replaces the port, blueprint, overlays, settings and autostart of a server; an empty
// autostart keeps the current one. v.Version is the version that was edited; 0 skips the check.
// Errors: left4me.NotFound; left4me.Conflict if the server was changed since that version, or for
// the field "port" if it is in use; left4me.Invalid for an unknown blueprint.
func (s Servers) Update(ctx context.Context, v left4me.Server) error {
	settings, err := toJSON(v.Settings)
	if err != nil {
		return fmt.Errorf("update server %s: %w", v.Name, err)
	}
	overlays, err := toJSON(v.Overlays)
	if err != nil {
		return fmt.Errorf("update server %s: %w", v.Name, err)
	}
	err = s.db.tx(ctx, func(tx *transaction) error {
		have, err := one(tx.QueryRowContext(ctx, `SELECT `+serverColumns+` FROM server WHERE name = ?`, v.Name), scanServer, "server",
			v.Name)
		if err == nil {
			err = checkVersion(have.Version, v.Version,
				left4me.NewError(left4me.Conflict, "server.changed", "server", v.Name, "version", have.Version))
		}
		if err == nil {
			err = checkPortAndBlueprint(ctx, tx, v)
		}
		if err != nil {
			return err
		}
		return checkPorts(ctx, tx, v.Name, "settings.cfg", func() error {
			_, err := tx.ExecContext(ctx,
				`UPDATE server SET port = ?, blueprint = ?, settings = ?, overlays = ?, autostart = ?, version = version + 1
				WHERE name = ?`,
				v.Port, v.Blueprint, settings, overlays, cmp.Or(v.Autostart, have.Autostart), v.Name)
			if err != nil {
				return err
			}
			return tx.event(ctx, left4me.ServerChanged, have.Target(), left4me.DefinitionEvent{Version: have.Version + 1})
		})
	})
	if err != nil {
		return fmt.Errorf("update server %s: %w", v.Name, err)
	}
	return nil
}

// deleteServer deletes the server of a finished delete job with its crashes and reports, so that
// the next server of its name doesn't inherit them. Its definition is kept with the deleted servers.
func deleteServer(ctx context.Context, tx *transaction, v left4me.Job) error {
	there, err := exists(ctx, tx, `SELECT EXISTS (SELECT 1 FROM server WHERE id = ?)`, v.TargetID)
	if err != nil || !there {
		return err
	}
	if err := keepServer(ctx, tx, v); err != nil {
		return err
	}
	for _, statement := range []string{`DELETE FROM crash WHERE server_id = ?`, `DELETE FROM host_report WHERE target_id = ?`} {
		if _, err := tx.ExecContext(ctx, statement, v.TargetID); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM server WHERE id = ?`, v.TargetID); err != nil {
		return err
	}
	return tx.writeEvent(ctx, v.By, left4me.ServerDeleted, targetOf(v), nil)
}

// checkVersion returns an error if seen, the version that was edited, is neither 0 nor the current
// version.
func checkVersion(have, seen int, changed *left4me.Error) error {
	if seen == 0 || seen == have {
		return nil
	}
	return changed.InField("version")
}

// checkNameAndPort checks that the name of v is free, and everything that checkPortAndBlueprint
// checks.
func checkNameAndPort(ctx context.Context, tx *transaction, v left4me.Server) error {
	if err := checkNameFree(ctx, tx, v); err != nil {
		return err
	}
	return checkPortAndBlueprint(ctx, tx, v)
}

// checkNameFree checks that no other server has the name of v, here or on its host.
func checkNameFree(ctx context.Context, tx *transaction, v left4me.Server) error {
	if v.Name.Kept() {
		return left4me.NewError(left4me.Invalid, "server.name_of_deleted", "name", v.Name).InField("name")
	}
	var by left4me.Name
	err := tx.QueryRowContext(ctx, `SELECT name FROM server WHERE (name = ?1 OR host_name = ?1) AND id <> ?2`, v.Name, v.ID).Scan(&by)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	case by == v.Name:
		return left4me.NewError(left4me.Conflict, "server.exists", "server", v.Name).InField("name")
	}
	return left4me.NewError(left4me.Conflict, "server.name_on_host", "server", by, "name", v.Name).InField("name")
}

// checkPortAndBlueprint checks that no other server has the port of v, and that its blueprint
// exists.
func checkPortAndBlueprint(ctx context.Context, tx *transaction, v left4me.Server) error {
	var by left4me.Name
	err := tx.QueryRowContext(ctx, `SELECT name FROM server WHERE host = ? AND port = ? AND name <> ?`, v.Host, v.Port, v.Name).Scan(&by)
	if err == nil {
		return left4me.NewError(left4me.Conflict, "port.in_use", "port", v.Port, "server", by).InField("port")
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	err = tx.QueryRowContext(ctx, `SELECT name FROM blueprint WHERE name = ?`, v.Blueprint).Scan(&by)
	if errors.Is(err, sql.ErrNoRows) {
		return left4me.NewError(left4me.Invalid, "blueprint.unknown", "blueprint", v.Blueprint).InField("blueprint")
	}
	return err
}
