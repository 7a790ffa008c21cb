package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/left4me/left4me/internal/left4me"
)

// Schema returns the schema version of this program, which is also the highest it supports.
func Schema() int64 {
	v, err := newest(migrations)
	if err != nil {
		panic(err) // the migrations are embedded and tested
	}
	return v
}

// newest returns the version of the last migration.
func newest(all fs.FS) (int64, error) {
	files, err := fs.Glob(all, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		return 0, errors.Join(errors.New("no migrations"), err)
	}
	return goose.NumericComponent(files[len(files)-1])
}

// userVersionAt is the offset in a database file of the four-byte number that PRAGMA user_version
// sets (sqlite.org/fileformat2.html).
const userVersionAt = 60

// SchemaOf reads the schema version from a database file without opening the database, so that it
// doesn't interfere with other users of it. It returns 0 for a database from versions that didn't
// write the number.
func SchemaOf(path string) (int64, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // O_NONBLOCK: don't block on a pipe
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var b [4]byte
	if _, err := f.ReadAt(b[:], userVersionAt); errors.Is(err, io.EOF) {
		return 0, nil // an empty file: no database yet
	} else if err != nil {
		return 0, err
	}
	return int64(binary.BigEndian.Uint32(b[:])), nil
}

// TooNew returns the error for a schema of a newer program: have is its version, known the highest
// supported one.
func TooNew(have, known int64) *left4me.Error {
	return left4me.NewError(left4me.Invalid, "database.too_new", "version", have, "known", known)
}

func (s *Store) migrate(ctx context.Context, path string, all fs.FS) error {
	files, err := fs.Sub(all, "migrations")
	if err != nil {
		return err
	}
	want, err := newest(all)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.write, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	switch {
	case have > want:
		return TooNew(have, want)
	case have == want:
		return s.markVersion(ctx, want)
	case have > 0:
		if err := s.keepCopy(ctx, path, have); err != nil {
			return err
		}
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return s.markVersion(ctx, want)
}

// markVersion writes the schema version into the header of the file, for programs without SQLite:
// the Debian package of an older version checks it before it replaces a newer one.
func (s *Store) markVersion(ctx context.Context, version int64) error {
	var have int64
	if err := s.write.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&have); err != nil {
		return fmt.Errorf("read the version: %w", err)
	}
	if have == version {
		return nil
	}
	// The header stays in the write-ahead log until a checkpoint.
	for _, statement := range []string{fmt.Sprintf(`PRAGMA user_version = %d`, version), `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := s.write.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("write the version: %w", err)
		}
	}
	return nil
}

// keepCopy writes a copy of the database next to it, so that an upgrade can be undone.
func (s *Store) keepCopy(ctx context.Context, path string, version int64) error {
	kept := fmt.Sprintf("%s.v%d-%s", path, version, time.Now().UTC().Format("20060102T150405"))
	err := ensurePrivate(kept)
	if err == nil {
		_, err = s.write.ExecContext(ctx, `VACUUM INTO ?`, kept)
	}
	if err != nil {
		return fmt.Errorf("keep a copy as %s: %w", filepath.Base(kept), err)
	}
	return nil
}
