// Package store keeps left4me's state in SQLite: one file for each table, the
// statement beside its scan.
//
// It promises that a row is either as it was or as asked after a crash, that
// readers never wait for the writer, and that rules which must hold whatever the
// program does (one name, one port, one running job for a target) are held by
// the schema. It knows no rules beyond those.
package store

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database, or a view of one (By, Events.Advance). It is safe for
// concurrent use; a view of a transaction is for the goroutine of that transaction.
type Store struct {
	*core
	by     left4me.Actor // who makes the changes
	inside *transaction  // that every statement is part of; nil: each change has one of its own
}

// core is what all views of a database share. It has no methods.
type core struct {
	path       string
	write      *sql.DB // one connection: writers queue in the program, not on a lock
	read       *sql.DB
	relieve    func() bool
	generation atomic.Uint64
	tables     tables
	fault      atomic.Pointer[left4me.Error] // of the last write, if it found the disk full
}

// Open opens the database at path, makes it when there is none, and brings its
// schema up to date; before an existing schema is changed, a copy is kept beside
// it. A schema that is newer than this program is refused: left4me.Invalid. On a
// full disk a database with this program's schema is opened nevertheless.
func Open(ctx context.Context, path string) (*Store, error) {
	s, err := open(ctx, path, "")
	if why, ok := left4me.Public(err); ok && why.Kind == left4me.DiskFull {
		// No other program can open the database then, until this one ends.
		if s, aerr := open(ctx, path, "&vfs="+heapVFS); aerr == nil {
			s.fault.Store(why)
			return s, nil
		}
	}
	return s, err
}

// heapVFS is SQLite's VFS that locks the database for this process and keeps the
// shared memory of its write-ahead log on the heap (sqlite.org/vfs.html).
const heapVFS = "unix-excl"

func open(ctx context.Context, path, more string) (*Store, error) {
	if err := private(path); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	write, err := sql.Open("sqlite", dsn(path, busyWithin, "_txlock=immediate"+more))
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	s := &Store{core: &core{path: path, write: write}}
	if err := s.migrate(ctx, path, migrations); err != nil {
		s.Close()
		return nil, fmt.Errorf("database %s: %w", path, full(err, path))
	}
	if s.read, err = sql.Open("sqlite", dsn(path, busyWithin, "mode=ro"+more)); err != nil {
		s.Close()
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	s.read.SetMaxOpenConns(4)
	s.read.SetMaxIdleConns(4)
	return s, nil
}

// OnFull sets what gives back space when the disk is full and reports whether it
// did: a write is tried once more then. It must be called before anything else.
func (s *Store) OnFull(relieve func() bool) { s.relieve = relieve }

// Full says that nothing can be written because the disk is full: the last write
// found it so, and there is no more room yet. Otherwise it returns nil.
func (s *Store) Full() *left4me.Error {
	why := s.fault.Load()
	if why == nil {
		return nil
	}
	if free, err := disk.Free(s.path); err != nil || free >= disk.Least {
		s.fault.CompareAndSwap(why, nil)
		return nil
	}
	return why
}

// private makes the file, if there is none, so that nobody but its owner reads
// it: it holds password hashes, and SQLite makes what it lays beside it with the
// same mode. A file that can't be written is told here; SQLite would open it and
// fail at the first change.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// busyWithin is how long a connection waits for another one that has the database locked.
const busyWithin = 5 * time.Second

// dsn gives the settings of a connection. busy_timeout comes first, so that it
// is in force for the others.
func dsn(path string, busy time.Duration, more string) string {
	u := url.URL{Scheme: "file", Path: path}
	return fmt.Sprintf("%s?_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)&%s",
		&u, busy.Milliseconds(), more)
}

// Path is the file of the database.
func (s *Store) Path() string { return s.path }

// Close closes the database.
func (s *Store) Close() {
	if s.read != nil {
		_ = s.read.Close()
	}
	_ = s.write.Close()
}

// Ping reports whether the database answers; for readiness checks.
func (s *Store) Ping(ctx context.Context) error { return s.read.PingContext(ctx) }

// Generation is another number after each write that has returned: what was
// read while it was the same is still what the database holds.
func (s *Store) Generation() uint64 { return s.generation.Load() }

// By returns a view whose changes are made by somebody: events name them. Changes
// of the store itself are made by left4me.
func (s *Store) By(who left4me.Actor) *Store { return &Store{core: s.core, by: who, inside: s.inside} }

// row reads a single row: in a view of a transaction as this one sees it.
func (s *Store) row(ctx context.Context, query string, args ...any) row {
	if s.inside != nil {
		return s.inside.QueryRowContext(ctx, query, args...)
	}
	return s.read.QueryRowContext(ctx, query, args...)
}

// list reads all rows of a query: in a view of a transaction as this one sees them.
func list[T any](ctx context.Context, s *Store, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	if s.inside != nil {
		return queryAll(ctx, s.inside, scan, query, args...)
	}
	rows, err := s.read.QueryContext(ctx, query, args...)
	return collect(rows, err, scan)
}

// violates reports whether err is a broken UNIQUE or PRIMARY KEY rule.
func violates(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

// full makes of an error of SQLite for want of space the one that says so. It is
// SQLITE_FULL for most writes. A database that nobody has open can't even be read
// on a full disk, since the file for its shared memory can't be made (4874,
// SQLITE_IOERR_SHMSIZE); such errors have other reasons too.
func full(err error, path string) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return disk.Full(path, 0, err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		if free, ferr := disk.Free(path); ferr == nil && free < disk.Least {
			return disk.Full(path, 0, err)
		}
	}
	return err
}

// row is what *sql.Row and *sql.Rows share.
type row interface{ Scan(...any) error }

// one reads a single row. what and name say what it is for the error when there
// is none. Errors: left4me.NotFound.
func one[T any, N ~string](r row, scan func(row) (T, error), what string, name N) (T, error) {
	v, err := scan(r)
	if errors.Is(err, sql.ErrNoRows) {
		return v, left4me.NoSuch(what, string(name))
	}
	if err != nil {
		return v, fmt.Errorf("get %s %s: %w", what, name, err)
	}
	return v, nil
}

func millis(t time.Time) int64 { return t.UnixMilli() }

// millisOrNull stores the zero time as NULL.
func millisOrNull(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func fromNull(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return fromMillis(ms.Int64)
}

func toJSON(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // six bytes for each < in what a script printed
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

func fromJSON(s string, v any) error { return json.Unmarshal([]byte(s), v) }

// collect reads all rows of a query.
func collect[T any](rows *sql.Rows, err error, scan func(row) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
