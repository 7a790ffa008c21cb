package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Limits for a database of another program.
const (
	maxForeignFile = 1 << 30
	maxForeignRows = 100_000 // per table
)

// Table holds a table of a database with an unknown schema.
type Table struct {
	Name    string
	Columns []string
	Rows    []map[string]any // by column: nil, int64, float64, bool, string, []byte or time.Time
}

// ReadForeign reads all tables of another program's database. It reads a copy, so that nothing is
// changed and the latest writes are included even if the other program was killed. Errors:
// left4me.Invalid for a file that isn't a database.
func ReadForeign(ctx context.Context, path string) ([]Table, error) {
	dir, err := os.MkdirTemp("", "left4me-import-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	into := filepath.Join(dir, "copy.db")
	for _, suffix := range []string{"", "-wal", "-journal"} {
		if err := copyBounded(into+suffix, path+suffix); err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, fmt.Errorf("database %s: %w", path, err)
		}
	}
	db, err := sql.Open("sqlite", "file:"+into+"?_pragma=trusted_schema(0)")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	names, err := foreignTables(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	var all []Table
	for _, name := range names {
		t, err := readTable(ctx, db, name)
		if err != nil {
			return nil, fmt.Errorf("database %s: table %s: %w", path, name, err)
		}
		all = append(all, t)
	}
	return all, nil
}

func copyBounded(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if st, err := in.Stat(); err != nil || !st.Mode().IsRegular() || st.Size() > maxForeignFile {
		return errors.Join(err, errors.New("it is not a file of a size that a database has"))
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(in, maxForeignFile))
	return errors.Join(err, out.Close())
}

func foreignTables(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx,
		`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`)
	return collect(rows, err, func(r row) (name string, err error) { return name, r.Scan(&name) })
}

func readTable(ctx context.Context, db *sql.DB, name string) (Table, error) {
	t := Table{Name: name}
	rows, err := db.QueryContext(ctx, `SELECT * FROM "`+strings.ReplaceAll(name, `"`, `""`)+`"`)
	if err != nil {
		return t, err
	}
	defer rows.Close()
	if t.Columns, err = rows.Columns(); err != nil {
		return t, err
	}
	for rows.Next() {
		if len(t.Rows) == maxForeignRows {
			return t, fmt.Errorf("more than %d rows", maxForeignRows)
		}
		values := make([]any, len(t.Columns))
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return t, err
		}
		r := make(map[string]any, len(values))
		for i, c := range t.Columns {
			r[c] = values[i]
		}
		t.Rows = append(t.Rows, r)
	}
	return t, rows.Err()
}
