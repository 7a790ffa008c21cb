package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
)

// Inspect opens the database at path for reading alone, whether or not left4me has
// it open, and changes no schema: a table that this program doesn't know may fail to
// be read. What is written through it fails.
func Inspect(ctx context.Context, path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil { // SQLite says of each error that it can't open the file
		return nil, fmt.Errorf("database: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(path, "mode=ro"))
	if err == nil {
		err = db.PingContext(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, full(err, path))
	}
	return &Store{core: &core{path: path, write: db, read: db}}, nil
}
