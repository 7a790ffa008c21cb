package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// DeletedServers accesses the table deleted_server.
type DeletedServers struct{ db *Store }

// DeletedServers returns access to deleted servers; the value may be copied.
func (s *Store) DeletedServers() DeletedServers { return DeletedServers{s} }

const deletedColumns = `id, name, host, definition, bytes, deleted_at, gone_at, backup, next, ` + requesterColumns

func scanDeleted(r row) (v left4me.DeletedServer, err error) {
	var (
		definition    string
		id            left4me.ID
		name, host    left4me.Name
		deleted, gone int64
		by            requester
	)
	if err := r.Scan(&id, &name, &host, &definition, &v.Bytes, &deleted, &gone, &v.Backup, &v.Then, &by.name, &by.id, &by.kind,
		&by.token); err != nil {
		return v, err
	}
	err = fromJSON(definition, &v.Server)
	v.ID, v.Name, v.Host, v.HostName = id, name, host, left4me.KeptName(id)
	v.DeletedAt, v.GoneAt, v.DeletedBy = fromMillis(deleted), fromMillis(gone), by.actor()
	return v, err
}

// List returns all deleted servers, the last deleted first.
func (s DeletedServers) List(ctx context.Context) ([]left4me.DeletedServer, error) {
	all, err := list(ctx, s.db, scanDeleted, `SELECT `+deletedColumns+` FROM deleted_server ORDER BY deleted_at DESC, id DESC`)
	if err != nil {
		return nil, fmt.Errorf("list deleted servers: %w", err)
	}
	return all, nil
}

// Get returns one deleted server. Errors: left4me.NotFound.
func (s DeletedServers) Get(ctx context.Context, id left4me.ID) (left4me.DeletedServer, error) {
	return one(s.db.row(ctx, `SELECT `+deletedColumns+` FROM deleted_server WHERE id = ?`, id), scanDeleted, "deleted server", id)
}

func addDeleted(ctx context.Context, tx *transaction, v left4me.DeletedServer) error {
	definition, err := toJSON(v.Server)
	if err != nil {
		return err
	}
	by := requesterOf(v.DeletedBy)
	_, err = tx.ExecContext(ctx, `INSERT INTO deleted_server(`+deletedColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		v.ID, v.Name, v.Host, definition, v.Bytes, millis(v.DeletedAt), millis(v.GoneAt), v.Backup, v.Then,
		by.name, by.id, by.kind, by.token)
	return err
}

// Add adds a deleted server.
func (s DeletedServers) Add(ctx context.Context, v left4me.DeletedServer) error {
	err := s.db.tx(ctx, func(tx *transaction) error { return addDeleted(ctx, tx, v) })
	if err != nil {
		return fmt.Errorf("add deleted server %s: %w", v.Name, err)
	}
	return nil
}

func exists(ctx context.Context, tx *transaction, query string, args ...any) (there bool, err error) {
	return there, tx.QueryRowContext(ctx, query, args...).Scan(&there)
}

// Restore restores a deleted server, which is then stopped, with the name, port, blueprint and overlays of
// v. The host renames its files at the next start. Errors: left4me.NotFound if it is not deleted;
// left4me.Conflict for the field "name" or "port" if it is taken; left4me.Invalid for an unknown
// blueprint.
func (s DeletedServers) Restore(ctx context.Context, v left4me.Server) error {
	settings, err := toJSON(v.Settings)
	if err != nil {
		return fmt.Errorf("restore server %s: %w", v.Name, err)
	}
	overlays, err := toJSON(v.Overlays)
	if err != nil {
		return fmt.Errorf("restore server %s: %w", v.Name, err)
	}
	err = s.db.tx(ctx, func(tx *transaction) error {
		n, err := rowsAffected(tx.ExecContext(ctx, `DELETE FROM deleted_server WHERE id = ?`, v.ID))
		if err == nil && n == 0 {
			err = left4me.NoSuch("deleted server", string(v.ID))
		}
		if err == nil {
			err = checkNameAndPort(ctx, tx, v)
		}
		if err != nil {
			return err
		}
		return checkPorts(ctx, tx, v.Name, "settings.cfg", func() error {
			_, err := tx.ExecContext(ctx, `INSERT INTO server(id, name, host, port, blueprint, settings, created_at, overlays, autostart,
				boot_id, version, host_name) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
				v.ID, v.Name, v.Host, v.Port, v.Blueprint, settings, millis(v.CreatedAt), overlays, v.Autostart, v.BootID, v.Version+1,
				left4me.KeptName(v.ID))
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE job SET target = ? WHERE target_id = ?`, v.Name, v.ID); err != nil {
				return err
			}
			return tx.event(ctx, left4me.ServerRestored, v.Target(), left4me.DefinitionEvent{Version: v.Version + 1})
		})
	})
	if err != nil {
		return fmt.Errorf("restore server %s: %w", v.Name, err)
	}
	return nil
}

// Expire sets the time after which the files of a deleted server are removed, and that nothing follows
// automatically. Errors: left4me.NotFound.
func (s DeletedServers) Expire(ctx context.Context, id left4me.ID, at time.Time) error {
	return s.change(ctx, id, `UPDATE deleted_server SET gone_at = ?2, next = '' WHERE id = ?1`, millis(at))
}

// Settle records that nothing follows automatically for a deleted server. Errors: left4me.NotFound.
func (s DeletedServers) Settle(ctx context.Context, id left4me.ID) error {
	return s.change(ctx, id, `UPDATE deleted_server SET next = '' WHERE id = ?1`)
}

func (s DeletedServers) change(ctx context.Context, id left4me.ID, query string, args ...any) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		n, err := rowsAffected(tx.ExecContext(ctx, query, append([]any{id}, args...)...))
		if err == nil && n == 0 {
			err = left4me.NoSuch("deleted server", string(id))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("change deleted server %s: %w", id, err)
	}
	return nil
}

// Drop removes the row of a deleted server whose files the host has removed.
func (s DeletedServers) Drop(ctx context.Context, id left4me.ID) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		v, err := one(tx.QueryRowContext(ctx, `SELECT `+deletedColumns+` FROM deleted_server WHERE id = ?`, id), scanDeleted,
			"deleted server", id)
		if errors.Is(err, left4me.NotFound) {
			return nil
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM deleted_server WHERE id = ?`, id)
		}
		if err != nil {
			return err
		}
		return tx.event(ctx, left4me.ServerDropped, v.Target(), nil)
	})
	if err != nil {
		return fmt.Errorf("drop deleted server %s: %w", id, err)
	}
	return nil
}

// keepServer adds a server that is about to be deleted to the deleted servers. v is the job.
func keepServer(ctx context.Context, tx *transaction, v left4me.Job) error {
	server, err := scanServer(tx.QueryRowContext(ctx, `SELECT `+serverColumns+` FROM server WHERE id = ?`, v.TargetID))
	if err != nil {
		return err
	}
	return addDeleted(ctx, tx, left4me.DeletedServer{
		Server: server, Bytes: sizeKept(v), DeletedAt: v.EndedAt, DeletedBy: v.By, GoneAt: v.EndedAt.Add(left4me.KeepDeletedServer),
	})
}

// editDeleted changes the definitions of deleted servers for which edit reports a change.
func editDeleted(ctx context.Context, tx *transaction, edit func(*left4me.Server) bool) error {
	all, err := queryAll(ctx, tx, scanDeleted, `SELECT `+deletedColumns+` FROM deleted_server ORDER BY id`)
	if err != nil {
		return err
	}
	for _, v := range all {
		if !edit(&v.Server) {
			continue
		}
		text, err := toJSON(v.Server)
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE deleted_server SET definition = ? WHERE id = ?`, text, v.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// restackDeleted replaces the name of an overlay in the stacks of deleted servers.
func restackDeleted(ctx context.Context, tx *transaction, from, to left4me.Name) error {
	return editDeleted(ctx, tx, func(v *left4me.Server) bool {
		i := slices.IndexFunc(v.Overlays, func(r left4me.OverlayRef) bool { return r.Name == from })
		if i < 0 {
			return false
		}
		v.Overlays[i].Name = to
		return true
	})
}

// endRestore adds the server that a job has read from a backup to the deleted servers, from which it is
// restored.
func endRestore(ctx context.Context, tx *transaction, v left4me.Job) error {
	if v.Kind != left4me.RestoreBackup || v.State != left4me.JobDone {
		return nil
	}
	var text []byte
	if err := tx.QueryRowContext(ctx, `SELECT spec FROM job WHERE id = ?`, v.ID).Scan(&text); err != nil {
		return err
	}
	var spec left4me.BackupSpec
	if err := fromJSON(string(text), &spec); err != nil || spec.Server == nil {
		return err
	}
	return addDeleted(ctx, tx, left4me.DeletedServer{
		Server: spec.Server.Definition, Backup: spec.Name, Then: spec.Server.Then, Bytes: sizeKept(v),
		DeletedAt: v.EndedAt, DeletedBy: v.By, GoneAt: v.EndedAt.Add(left4me.KeepDeletedServer),
	})
}

// sizeKept returns the size of the files that a job has set aside.
func sizeKept(v left4me.Job) (bytes int64) {
	for _, s := range v.Steps {
		if s.Label == left4me.StepKeepFiles {
			bytes = s.Progress.Done
		}
	}
	return bytes
}
