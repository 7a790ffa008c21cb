package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"
)

// inspectBusy is how long Inspect waits for a locked database. It is short, so that the caller
// learns of the lock.
const inspectBusy = 500 * time.Millisecond

// Inspect opens the database at path read-only, whether or not left4me has it open, and doesn't
// migrate it: tables with another schema may fail to be read, and all writes fail. Access to a
// locked database fails within a second.
func Inspect(ctx context.Context, path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil { // SQLite reports every error as "unable to open"
		return nil, fmt.Errorf("database: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(path, inspectBusy, "mode=ro"))
	if err == nil {
		err = db.PingContext(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, diskFull(err, path))
	}
	return &Store{core: &core{path: path, write: db, read: db}}, nil
}
