package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/left4me/left4me/internal/left4me"
)

// transaction is a write transaction. After its first error it refuses further statements with that
// error and is never committed.
//
// SQLite rolls back a whole transaction when a statement fails because of a full disk, an I/O error
// or lack of memory (sqlite.org/lang_transaction.html, 2.3), and database/sql doesn't notice: the
// next statement on a *sql.Tx would succeed and be committed on its own. Therefore only this type
// may hold a *sql.Tx.
type transaction struct {
	tx     *sql.Tx
	by     left4me.Actor // actor of its events
	failed error
	wrote  map[string]bool // tables written to
}

// tx runs f in the write transaction, and once more if the disk was full and some space could be
// freed: f must not depend on its first run. If f or a statement fails, tx returns the error and
// commits nothing. Errors: left4me.DiskFull.
//
// In a view of a transaction, f runs within that transaction, which fails as a whole if f does.
func (s *Store) tx(ctx context.Context, f func(*transaction) error) error {
	if s.inside != nil {
		by := s.inside.by
		s.inside.by = s.by
		err := f(s.inside)
		s.inside.by = by
		return s.inside.note(err)
	}
	if ctx.Value(inTransaction{}) != nil {
		return errInside
	}
	err := diskFull(s.attempt(ctx, f), s.path)
	if errors.Is(err, left4me.DiskFull) && s.relieve != nil && s.relieve() {
		err = diskFull(s.attempt(ctx, f), s.path)
	}
	switch why, ok := left4me.Public(err); {
	case err == nil:
		s.fault.Store(nil)
	case ok && why.Kind == left4me.DiskFull:
		s.fault.Store(why)
	}
	return err
}

// errInside reports a programming error: the change would wait for the transaction it is part of.
var errInside = errors.New("a change inside of a transaction must go through its view")

// Read runs f with a view that sees the database at one moment, regardless of concurrent writes.
// Writes through the view fail, and it must not be used after f.
func (s *Store) Read(ctx context.Context, f func(*Store) error) error {
	if s.inside != nil {
		return f(s)
	}
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	return f(&Store{core: s.core, by: s.by, inside: &transaction{tx: tx, by: s.by, wrote: map[string]bool{}}})
}

func (s *Store) attempt(ctx context.Context, f func(*transaction) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // returns ErrTxDone after Commit
	t := &transaction{tx: tx, by: s.by, wrote: map[string]bool{}}
	if err := f(t); err != nil {
		return err
	}
	if t.failed != nil {
		return t.failed
	}
	err = tx.Commit()
	// A failed commit may have taken effect, so it counts as a write too.
	s.generation.Add(1)
	for name := range t.wrote {
		s.tables.bell(name).Ring()
	}
	return err
}

// note remembers the first error. sql.ErrNoRows is a result and no error.
func (t *transaction) note(err error) error {
	if t.failed == nil && err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.failed = err
	}
	return err
}

func (t *transaction) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if t.failed != nil {
		return nil, t.failed
	}
	t.wrote[writtenTable(query)] = true
	r, err := t.tx.ExecContext(ctx, query, args...)
	return r, t.note(err)
}

func (t *transaction) QueryRowContext(ctx context.Context, query string, args ...any) row {
	if t.failed != nil {
		return failedRow{t.failed}
	}
	t.wrote[writtenTable(query)] = true
	return notedRow{t, t.tx.QueryRowContext(ctx, query, args...)}
}

// queryAll reads all rows of a query within a transaction.
func queryAll[T any](ctx context.Context, t *transaction, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	if t.failed != nil {
		return nil, t.failed
	}
	t.wrote[writtenTable(query)] = true
	rows, err := t.tx.QueryContext(ctx, query, args...)
	all, err := collect(rows, err, scan)
	return all, t.note(err)
}

// notedRow is a row whose error is remembered by the transaction.
type notedRow struct {
	t   *transaction
	row row
}

func (r notedRow) Scan(into ...any) error { return r.t.note(r.row.Scan(into...)) }

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }
