package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Tokens accesses the table token.
type Tokens struct{ db *Store }

// Tokens returns access to tokens; the value may be copied.
func (s *Store) Tokens() Tokens { return Tokens{s} }

// Token is an API token of a program.
type Token struct {
	Hash      []byte // keyed hash of the token
	UserID    int64
	Label     string
	CreatedAt time.Time
	UsedAt    time.Time // zero: never
	ExpiresAt time.Time // zero: never
}

// Create adds a token of an enabled user. Errors: left4me.NotFound.
func (s Tokens) Create(ctx context.Context, v Token) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		r, err := tx.ExecContext(ctx, `INSERT INTO token(hash, user_id, label, created_at, expires_at)
			SELECT ?, id, ?, ?, ? FROM user WHERE id = ? AND NOT disabled`,
			v.Hash, v.Label, millis(v.CreatedAt), millisOrNull(v.ExpiresAt), v.UserID)
		if err := requireRow(r, err, left4me.NewError(left4me.NotFound, "token.no_such_user")); err != nil {
			return err
		}
		return tokenEvent(ctx, tx, left4me.TokenCreated, v.UserID, v.Label)
	})
	if err != nil {
		return fmt.Errorf("create token: %w", err)
	}
	return nil
}

func tokenEvent(ctx context.Context, tx *transaction, kind left4me.EventKind, owner int64, label string) error {
	name, err := userName(ctx, tx, owner)
	if err != nil {
		return err
	}
	return tx.event(ctx, kind, User{ID: owner, Name: name}.Target(), left4me.TokenEvent{Label: label})
}

// Get returns a token, expired or not, and its user. Errors: left4me.NotFound.
func (s Tokens) Get(ctx context.Context, hash []byte) (Token, User, error) {
	v := Token{Hash: hash}
	var (
		created       int64
		used, expires sql.NullInt64
	)
	u, err := scanUserAnd(s.db.row(ctx, `SELECT `+userColumns+`,
		token.label, token.created_at, token.used_at, token.expires_at
		FROM token JOIN user ON user.id = token.user_id WHERE token.hash = ?`, hash),
		&v.Label, &created, &used, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return v, u, left4me.NewError(left4me.NotFound, "token.unknown")
	}
	if err != nil {
		return v, u, fmt.Errorf("get token: %w", err)
	}
	v.UserID, v.CreatedAt, v.UsedAt, v.ExpiresAt = u.ID, fromMillis(created), fromNull(used), fromNull(expires)
	return v, u, nil
}

// OwnedToken is a token with the name of its owner.
type OwnedToken struct {
	Token
	Owner string
}

// List returns tokens, including expired ones, by owner and oldest first. user selects one user; 0
// means all users.
func (s Tokens) List(ctx context.Context, user int64) ([]OwnedToken, error) {
	all, err := list(ctx, s.db, func(r row) (OwnedToken, error) {
		var (
			v             OwnedToken
			created       int64
			used, expires sql.NullInt64
		)
		err := r.Scan(&v.Hash, &v.UserID, &v.Label, &created, &used, &expires, &v.Owner)
		v.CreatedAt, v.UsedAt, v.ExpiresAt = fromMillis(created), fromNull(used), fromNull(expires)
		return v, err
	}, `SELECT token.hash, token.user_id, token.label, token.created_at, token.used_at, token.expires_at, user.name
		FROM token JOIN user ON user.id = token.user_id
		WHERE ?1 = 0 OR token.user_id = ?1 ORDER BY user.name, token.created_at, token.hash`, user)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return all, nil
}

// Touch records the last use of a token.
func (s Tokens) Touch(ctx context.Context, hash []byte, used time.Time) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `UPDATE token SET used_at = ? WHERE hash = ?`, millis(used), hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("touch token: %w", err)
	}
	return nil
}

// Delete deletes a token. Errors: left4me.NotFound.
func (s Tokens) Delete(ctx context.Context, hash []byte) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		var (
			owner int64
			label string
		)
		err := tx.QueryRowContext(ctx, `DELETE FROM token WHERE hash = ? RETURNING user_id, label`, hash).Scan(&owner, &label)
		if errors.Is(err, sql.ErrNoRows) {
			return left4me.NewError(left4me.NotFound, "token.unknown")
		}
		if err != nil {
			return err
		}
		return tokenEvent(ctx, tx, left4me.TokenRevoked, owner, label)
	})
	if err != nil {
		return fmt.Errorf("delete token: %w", err)
	}
	return nil
}
