package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Crashes accesses the table crash.
type Crashes struct{ db *Store }

// Crashes returns access to crashes; the value may be copied.
func (s *Store) Crashes() Crashes { return Crashes{s} }

// Crash is an unexpected end of a server.
type Crash struct {
	Host, Server left4me.Name
	ServerID     left4me.ID // if empty, the server is found by name
	At           time.Time
	Exit         string
	Uptime       time.Duration
	Lines        []string
}

func scanCrash(r row) (Crash, error) {
	var (
		v          Crash
		at, uptime int64
		lines      string
	)
	if err := r.Scan(&v.Host, &v.Server, &at, &v.Exit, &uptime, &lines); err != nil {
		return v, err
	}
	v.At, v.Uptime = fromMillis(at), time.Duration(uptime)*time.Millisecond
	return v, fromJSON(lines, &v.Lines)
}

// maxCrashes is the number of crashes kept per server; each includes the last lines of output.
const maxCrashes = 100

// Add stores a crash and keeps the newest maxCrashes of its server. The server is found by its id,
// or else by its name here or on its host. A crash that is stored already, or whose server was
// deleted or replaced by another of its name, is ignored.
func (s Crashes) Add(ctx context.Context, v Crash) error {
	lines, err := toJSON(left4me.ClipLog(v.Lines))
	if err != nil {
		return fmt.Errorf("keep crash of %s: %w", v.Server, err)
	}
	err = s.db.tx(ctx, func(tx *transaction) error {
		on := left4me.Target{Kind: left4me.ServerTarget}
		err := tx.QueryRowContext(ctx, `INSERT INTO crash(server_id, host, server, at, exit, uptime, lines)
			SELECT id, host, name, ?3, ?4, ?5, ?6 FROM server
			WHERE host = ?1 AND (id = ?7 OR ?7 = '' AND ?2 IN (name, host_name))
			ON CONFLICT DO NOTHING RETURNING server_id, server`,
			v.Host, v.Server, millis(v.At), v.Exit, v.Uptime.Milliseconds(), lines, v.ServerID).Scan(&on.ID, &on.Name)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			err = tx.eventBy(ctx, left4me.ByHost(v.Host), left4me.ServerCrashed, on,
				left4me.CrashEvent{Host: v.Host, At: v.At, Exit: v.Exit, Uptime: v.Uptime.Seconds()})
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM crash WHERE id IN (SELECT id FROM crash
				WHERE server_id = ? ORDER BY at DESC LIMIT -1 OFFSET ?)`, on.ID, maxCrashes)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("keep crash of %s: %w", v.Server, err)
	}
	return nil
}

// List returns the newest crashes of a server, at most limit.
func (s Crashes) List(ctx context.Context, server left4me.Name, limit int) ([]Crash, error) {
	all, err := list(ctx, s.db, scanCrash,
		`SELECT crash.host, server.name, at, exit, uptime, lines FROM crash JOIN server ON server.id = server_id
		WHERE server.name = ? ORDER BY at DESC LIMIT ?`, server, limit)
	if err != nil {
		return nil, fmt.Errorf("list crashes of %s: %w", server, err)
	}
	return all, nil
}
