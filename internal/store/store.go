// Package store keeps left4me's state in SQLite. Each file covers one table, with statements next
// to their scans.
//
// After a crash a row has either its old or its new state. Readers never wait for the writer. The
// schema enforces the rules that must always hold: unique names, unique ports, and one running job
// per target. The package implements no rules beyond those.
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

// Store is an open database, or a view of one (By, Events.Advance). It is safe for concurrent use;
// a view of a transaction may only be used by the goroutine of that transaction.
type Store struct {
	*core
	by     left4me.Actor // actor of the changes
	inside *transaction  // transaction for all statements; nil: one transaction per change
}

// core is shared by all views of a database. It has no methods.
type core struct {
	path       string
	write      *sql.DB // a single connection: writers queue in the program and not on a lock
	read       *sql.DB
	relieve    func() bool
	generation atomic.Uint64
	tables     tables
	fault      atomic.Pointer[left4me.Error] // error of the last write if the disk was full
}

// Open opens the database at path, creates it if it doesn't exist, and migrates its schema. Before
// a migration it keeps a copy next to the database. A schema newer than this program is refused:
// left4me.Invalid. On a full disk a database with the current schema is opened nevertheless.
func Open(ctx context.Context, path string) (*Store, error) {
	s, err := open(ctx, path, "")
	if why, ok := left4me.Public(err); ok && why.Kind == left4me.DiskFull {
		// No other program can open the database until this one ends.
		if s, aerr := open(ctx, path, "&vfs="+heapVFS); aerr == nil {
			s.fault.Store(why)
			return s, nil
		}
	}
	return s, err
}

// heapVFS is the SQLite VFS that locks the database for this process and keeps the shared memory of
// its write-ahead log on the heap (sqlite.org/vfs.html).
const heapVFS = "unix-excl"

func open(ctx context.Context, path, more string) (*Store, error) {
	if err := ensurePrivate(path); err != nil {
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
		return nil, fmt.Errorf("database %s: %w", path, diskFull(err, path))
	}
	if s.read, err = sql.Open("sqlite", dsn(path, busyWithin, "mode=ro"+more)); err != nil {
		s.Close()
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	s.read.SetMaxOpenConns(4)
	s.read.SetMaxIdleConns(4)
	return s, nil
}

// OnFull sets the function that frees space when the disk is full, and reports whether it did. The
// write is then tried once more. OnFull must be called before anything else.
func (s *Store) OnFull(relieve func() bool) { s.relieve = relieve }

// Full returns an error if the last write failed because the disk is full and there is still no
// space, otherwise nil.
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

// ensurePrivate creates the file if necessary and sets its mode to 0600, because it holds password
// hashes; SQLite uses the same mode for its other files. It returns an error for a file that cannot
// be written, which SQLite would open without an error until the first change.
func ensurePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// busyWithin is how long a connection waits for a locked database.
const busyWithin = 5 * time.Second

// dsn returns the data source name of a connection. busy_timeout comes first, so that it applies to
// the other pragmas.
func dsn(path string, busy time.Duration, more string) string {
	u := url.URL{Scheme: "file", Path: path}
	return fmt.Sprintf("%s?_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)&%s",
		&u, busy.Milliseconds(), more)
}

// Path returns the path of the database file.
func (s *Store) Path() string { return s.path }

// Close closes the database.
func (s *Store) Close() {
	if s.read != nil {
		_ = s.read.Close()
	}
	_ = s.write.Close()
}

// Ping checks that the database answers, for readiness checks.
func (s *Store) Ping(ctx context.Context) error { return s.read.PingContext(ctx) }

// Generation returns a number that changes with every completed write: while it is the same, data
// read earlier is still current.
func (s *Store) Generation() uint64 { return s.generation.Load() }

// By returns a view whose changes are attributed to an actor in events. Other changes are attributed to
// left4me.
func (s *Store) By(who left4me.Actor) *Store { return &Store{core: s.core, by: who, inside: s.inside} }

// row reads a single row, within the transaction if s is a view of one.
func (s *Store) row(ctx context.Context, query string, args ...any) row {
	if s.inside != nil {
		return s.inside.QueryRowContext(ctx, query, args...)
	}
	return s.read.QueryRowContext(ctx, query, args...)
}

// list reads all rows of a query, within the transaction if s is a view of one.
func list[T any](ctx context.Context, s *Store, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	if s.inside != nil {
		return queryAll(ctx, s.inside, scan, query, args...)
	}
	rows, err := s.read.QueryContext(ctx, query, args...)
	return collect(rows, err, scan)
}

// uniqueViolation reports whether err is a violated UNIQUE or PRIMARY KEY constraint.
func uniqueViolation(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

// diskFull converts an SQLite error caused by a full disk to left4me.DiskFull. Most writes fail
// with SQLITE_FULL. Opening a database that nobody else has open also fails, even for reading,
// because the shared memory file cannot be created (4874, SQLITE_IOERR_SHMSIZE). Such errors have
// other causes too, so the free space is checked.
func diskFull(err error, path string) error {
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

// row is the common interface of *sql.Row and *sql.Rows.
type row interface{ Scan(...any) error }

// one reads a single row. what and name describe it in the error if there is none. Errors:
// left4me.NotFound.
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

// millisOrNull returns NULL for the zero time.
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
	e.SetEscapeHTML(false) // otherwise each < in a script's output takes six bytes
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

func fromJSON(s string, v any) error { return json.Unmarshal([]byte(s), v) }

// noteText returns the column of a note: JSON, or the plain text of a note without a code, as builds
// without codes stored it.
func noteText(n left4me.Note) string {
	if n.Code == "" {
		return n.Text
	}
	s, err := toJSON(n)
	if err != nil {
		return n.Text
	}
	return s
}

// noteFrom is the inverse of noteText.
func noteFrom(s string) left4me.Note {
	var n left4me.Note
	if strings.HasPrefix(s, "{") && fromJSON(s, &n) == nil && n.Code != "" {
		return n
	}
	return left4me.Note{Text: s}
}

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
