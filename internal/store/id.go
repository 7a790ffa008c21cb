package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// NewID returns an id that is never generated again, not even with a restored or another database.
// It sorts by time and has 64 random bits, so it cannot be guessed. It consists of 24 characters
// from 0-9 and a-v. The migration that introduced ids created random ones that sort before all of
// these.
func NewID(now time.Time) left4me.ID {
	var b [15]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMicro())<<8)
	_, _ = rand.Read(b[7:]) // never fails
	return left4me.ID(strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])))
}

// firstUser is the lowest new user id: the ids 1, 2, … of older versions were reused.
const firstUser = 1 << 32

// newUserID returns a random user id. It is a number, as version 1 of the API specifies, and is
// below 2⁵³, which JavaScript and JSON represent exactly.
func newUserID() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return firstUser + int64(binary.BigEndian.Uint64(b[:])>>12)
}

// UserID returns a user id as the id of a target or an actor.
func UserID(id int64) left4me.ID { return left4me.ID(strconv.FormatInt(id, 10)) }

// idQueries holds the queries for an id by name, for each kind.
var idQueries = map[left4me.TargetKind]string{
	left4me.ServerTarget:    `SELECT id FROM server WHERE name = ?`,
	left4me.BlueprintTarget: `SELECT id FROM blueprint WHERE name = ?`,
	left4me.OverlayTarget:   `SELECT id FROM overlay WHERE name = ?`,
	left4me.UserTarget:      `SELECT CAST(id AS TEXT) FROM user WHERE name = ?`,
}

// Target returns the server, blueprint, overlay or user that has this name now, with its id. If it
// doesn't exist, or has no id, such as a host, the result has the name only. It costs one index
// lookup.
func (s *Store) Target(ctx context.Context, kind left4me.TargetKind, name string) (left4me.Target, error) {
	return identify(ctx, s.row, left4me.Target{Kind: kind, Name: name})
}

// hostIDQueries holds the queries for an id by name or host name, for each kind. Both names are
// unique.
var hostIDQueries = map[left4me.TargetKind]string{
	left4me.ServerTarget:  `SELECT id FROM server WHERE ?1 IN (name, host_name)`,
	left4me.OverlayTarget: `SELECT id FROM overlay WHERE ?1 IN (name, host_name)`,
}

// TargetOnHost is like Target for a name reported by a host, which may predate a rename.
func (s *Store) TargetOnHost(ctx context.Context, kind left4me.TargetKind, name string) (left4me.Target, error) {
	t := left4me.Target{Kind: kind, Name: name}
	if find := hostIDQueries[kind]; find != "" && name != "" {
		return identifyBy(ctx, s.row, find, t)
	}
	return identify(ctx, s.row, t)
}

// identify returns a target with its id, unless it already has one.
func identify(ctx context.Context, query func(context.Context, string, ...any) row, t left4me.Target) (left4me.Target, error) {
	find, ok := idQueries[t.Kind]
	if !ok || t.ID != "" || t.Name == "" {
		return t, nil
	}
	return identifyBy(ctx, query, find, t)
}

func identifyBy(ctx context.Context, query func(context.Context, string, ...any) row, find string, t left4me.Target) (
	left4me.Target, error,
) {
	err := query(ctx, find, t.Name).Scan(&t.ID)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return t, fmt.Errorf("id of %s %s: %w", t.Kind, t.Name, err)
	}
	return t, nil
}
