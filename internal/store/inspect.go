package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"
)

// inspectBusy is how long a look waits for who has the database locked: whoever looks
// into a database that something holds wants to hear so.
const inspectBusy = 500 * time.Millisecond

// Inspect opens the database at path for reading alone, whether or not left4me has
// it open, and changes no schema: a table that this program doesn't know may fail to
// be read. What is written through it fails. A database that is locked fails within
// a second, here and with each question.
func Inspect(ctx context.Context, path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil { // SQLite says of each error that it can't open the file
		return nil, fmt.Errorf("database: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(path, inspectBusy, "mode=ro"))
	if err == nil {
		err = db.PingContext(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, full(err, path))
	}
	return &Store{core: &core{path: path, write: db, read: db}}, nil
}
