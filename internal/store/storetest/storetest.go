// Package storetest opens databases for tests without running all migrations each time.
package storetest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/left4me/left4me/internal/store"
)

// template returns the bytes of a new database. The migrations run once per test process: with the
// race detector they take longer than most tests that need a database.
var template = sync.OnceValues(func() (_ []byte, err error) {
	dir, err := os.MkdirTemp("", "left4me-store")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "left4me.db")
	st, err := store.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	st.Close() // SQLite moves the write-ahead log into the file
	return os.ReadFile(path)
})

// Lay creates a new database at path. It is a copy of a template created once per test process, so
// the row of table site is the same in all of them.
func Lay(path string) error {
	b, err := template()
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

// Open opens the database at path, and creates it with Lay if necessary. ctx limits opening only.
// The caller closes the store.
func Open(ctx context.Context, tb testing.TB, path string) *store.Store {
	tb.Helper()
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := Lay(path); err != nil {
			tb.Fatal(err)
		}
	}
	st, err := store.Open(ctx, path)
	if err != nil {
		tb.Fatal(err)
	}
	return st
}

// New opens a new database in its own directory and closes it at the end of the test.
func New(tb testing.TB) *store.Store {
	tb.Helper()
	st := Open(tb.Context(), tb, filepath.Join(tb.TempDir(), "left4me.db"))
	tb.Cleanup(st.Close)
	return st
}
