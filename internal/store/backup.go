package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Backups accesses the table backup_policy.
type Backups struct{ db *Store }

// Backups returns access to backup policies; the value may be copied.
func (s *Store) Backups() Backups { return Backups{s} }

// Policy returns the backup policy and when the schedule last added a backup. Errors:
// left4me.NotFound if no policy was set.
func (s Backups) Policy(ctx context.Context) (v left4me.BackupPolicy, last time.Time, err error) {
	v, err = one(s.db.row(ctx, `SELECT enabled, at, daily, weekly, last_at FROM backup_policy`),
		func(r row) (v left4me.BackupPolicy, err error) {
			var ms int64
			err = r.Scan(&v.Enabled, &v.At, &v.Daily, &v.Weekly, &ms)
			if err == nil {
				last = fromMillis(ms)
			}
			return v, err
		}, "policy", "of backups")
	return v, last, err
}

// SetPolicy saves the policy and the time at which the schedule last added a backup.
func (s Backups) SetPolicy(ctx context.Context, v left4me.BackupPolicy, last time.Time) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO backup_policy(id, enabled, at, daily, weekly, last_at) VALUES (1,?,?,?,?,?)
			ON CONFLICT(id) DO UPDATE SET enabled = excluded.enabled, at = excluded.at, daily = excluded.daily,
				weekly = excluded.weekly, last_at = excluded.last_at`, v.Enabled, v.At, v.Daily, v.Weekly, millis(last))
		if err != nil {
			return err
		}
		return tx.event(ctx, left4me.SettingsChanged, left4me.Site, left4me.SettingsEvent{Settings: "backups"})
	})
	if err != nil {
		return fmt.Errorf("set policy of backups: %w", err)
	}
	return nil
}

// Note saves the time at which the schedule last added a backup. usual is the policy to save if
// none was set.
func (s Backups) Note(ctx context.Context, usual left4me.BackupPolicy, last time.Time) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO backup_policy(id, enabled, at, daily, weekly, last_at) VALUES (1,?,?,?,?,?)
			ON CONFLICT(id) DO UPDATE SET last_at = excluded.last_at`, usual.Enabled, usual.At, usual.Daily, usual.Weekly, millis(last))
		return err
	})
	if err != nil {
		return fmt.Errorf("note a backup: %w", err)
	}
	return nil
}

// Snapshot copies the current database to a new file with mode 0600. Writers don't wait for it. In
// the copy no job is active, and wanted servers are held, because work in progress must not
// continue where the copy is restored.
func (s *Store) Snapshot(ctx context.Context, file string, now time.Time) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("snapshot: %w", err)
	}
	err := ensurePrivate(file)
	if err == nil {
		_, err = s.read.ExecContext(ctx, `VACUUM INTO ?`, file)
	}
	if err == nil {
		err = settleCopy(ctx, file, now)
	}
	if err != nil {
		_ = os.Remove(file)
		return fmt.Errorf("snapshot: %w", diskFull(err, file))
	}
	return nil
}

// errBackedUp is the error of jobs that were active when the copy was made.
var errBackedUp = left4me.NewError(left4me.Unavailable, "job.during_backup")

// settleCopy ends the active jobs and bulk acts in a copy, holds its wanted servers, and clears their boot ids.
func settleCopy(ctx context.Context, file string, now time.Time) error {
	u := url.URL{Scheme: "file", Path: file}
	db, err := sql.Open("sqlite", u.String()+"?_pragma=journal_mode(DELETE)&_pragma=foreign_keys(1)")
	if err != nil {
		return err
	}
	failure, err := toJSON(errBackedUp)
	if err == nil { // the events of the following changes
		_, err = db.ExecContext(ctx,
			`INSERT INTO event(kind, target_kind, target_id, target_name, actor_kind, actor_name, at, version, data)
			SELECT 'job.ended', CASE WHEN noun IN ('server','overlay') THEN noun ELSE 'host' END, target_id, target, 'system', '', ?1, ?2,
				json_object('job', id, 'kind', kind, 'host', host, 'state', 'interrupted', 'error', ?3)
			FROM job WHERE state IN ('queued','running')
			UNION ALL SELECT 'server.held', 'server', id, name, 'system', '', ?1, ?2, json_object('held', ?4)
			FROM server WHERE wanted = 'running' AND held <> ?4`,
			millis(now), left4me.EventVersion, errBackedUp.Text, left4me.HeldRestored)
	}
	if err == nil {
		_, err = db.ExecContext(ctx, `UPDATE job SET state = 'interrupted', error = ?, ended_at = ? WHERE state IN ('queued','running')`,
			failure, millis(now))
	}
	if err == nil {
		_, err = db.ExecContext(ctx, `UPDATE bulk_act SET state = 'cancelled', ended_at = ? WHERE state = 'running'`, millis(now))
	}
	if err == nil {
		_, err = db.ExecContext(ctx, `UPDATE server SET boot_id = '', held = CASE wanted WHEN 'running' THEN ? ELSE held END`,
			left4me.HeldRestored)
	}
	return errors.Join(err, db.Close())
}

// Copied holds the definitions in a copy of a database.
type Copied struct {
	Servers    []left4me.Server
	Deleted    []left4me.DeletedServer
	Blueprints []left4me.Blueprint
	Overlays   []Overlay
}

// ReadCopy migrates a copy of a database, perhaps of an earlier version, reads its definitions, and
// removes it. Errors: left4me.Invalid.
func ReadCopy(ctx context.Context, file string) (v Copied, err error) {
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			if rerr := os.Remove(file + suffix); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
				err = errors.Join(err, rerr)
			}
		}
	}()
	have, err := SchemaOf(file)
	if err == nil && have > Schema() {
		return v, TooNew(have, Schema())
	}
	s, err := Open(ctx, file)
	if err == nil {
		v, err = s.copied(ctx)
		s.Close()
	}
	if _, public := left4me.Public(err); err != nil && !public && ctx.Err() == nil {
		err = left4me.NewError(left4me.Invalid, "backup.database_unreadable").Because(err)
	}
	return v, err
}

func (s *Store) copied(ctx context.Context) (v Copied, err error) {
	if v.Servers, err = s.Servers().List(ctx); err != nil {
		return v, err
	}
	if v.Deleted, err = s.DeletedServers().List(ctx); err != nil {
		return v, err
	}
	if v.Blueprints, err = s.Blueprints().List(ctx); err != nil {
		return v, err
	}
	v.Overlays, err = s.Overlays().List(ctx)
	return v, err
}
