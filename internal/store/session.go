package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Sessions accesses the table session.
type Sessions struct{ db *Store }

// Sessions returns access to sessions; the value may be copied.
func (s *Store) Sessions() Sessions { return Sessions{s} }

// Session is a browser login.
type Session struct {
	Hash      []byte // keyed hash of the cookie
	UserID    int64
	Agent     string
	Address   string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
}

// Create adds a session for an enabled user whose Version is still version, and deletes expired
// sessions. Errors: left4me.NotFound if the user has changed.
func (s Sessions) Create(ctx context.Context, v Session, version int) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM session WHERE expires_at <= ?`, millis(v.CreatedAt)); err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, `INSERT INTO session(hash, user_id, agent, address, created_at, seen_at, expires_at)
			SELECT ?, id, ?, ?, ?, ?, ? FROM user WHERE id = ? AND version = ? AND NOT disabled`,
			v.Hash, v.Agent, v.Address, millis(v.CreatedAt), millis(v.SeenAt), millis(v.ExpiresAt), v.UserID, version)
		if err := requireRow(r, err, left4me.NewError(left4me.NotFound, "session.user_changed")); err != nil {
			return err
		}
		name, err := userName(ctx, tx, v.UserID)
		if err != nil {
			return err
		}
		return tx.eventBy(ctx, left4me.Actor{Kind: left4me.UserActor, ID: UserID(v.UserID), Name: name}, left4me.UserSignedIn,
			User{ID: v.UserID, Name: name}.Target(),
			left4me.SignInEvent{Address: v.Address, Agent: v.Agent})
	})
	if err != nil {
		return fmt.Errorf("create session: %w", err)
	}
	return nil
}

// userName returns the name of a user.
func userName(ctx context.Context, tx *transaction, id int64) (name string, err error) {
	return name, tx.QueryRowContext(ctx, `SELECT name FROM user WHERE id = ?`, id).Scan(&name)
}

// Get returns a session, expired or not, and its user. Errors: left4me.NotFound.
func (s Sessions) Get(ctx context.Context, hash []byte) (Session, User, error) {
	v := Session{Hash: hash}
	var created, seen, expires int64
	u, err := scanUserAnd(s.db.row(ctx, `SELECT `+userColumns+`,
		session.agent, session.address, session.created_at, session.seen_at, session.expires_at
		FROM session JOIN user ON user.id = session.user_id WHERE session.hash = ?`, hash),
		&v.Agent, &v.Address, &created, &seen, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return v, u, left4me.NewError(left4me.NotFound, "session.unknown")
	}
	if err != nil {
		return v, u, fmt.Errorf("get session: %w", err)
	}
	v.UserID, v.CreatedAt, v.SeenAt, v.ExpiresAt = u.ID, fromMillis(created), fromMillis(seen), fromMillis(expires)
	return v, u, nil
}

// Touch records the last use of a session and its new expiry. It doesn't recreate a deleted
// session.
func (s Sessions) Touch(ctx context.Context, hash []byte, seen, expires time.Time) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `UPDATE session SET seen_at = ?, expires_at = ? WHERE hash = ?`, millis(seen), millis(expires), hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// List returns the sessions that have not expired at the given time, most recently used first. user
// selects one user; 0 means all users.
func (s Sessions) List(ctx context.Context, user int64, at time.Time) ([]Session, error) {
	all, err := list(ctx, s.db, func(r row) (Session, error) {
		var (
			v                      Session
			created, seen, expires int64
		)
		err := r.Scan(&v.Hash, &v.UserID, &v.Agent, &v.Address, &created, &seen, &expires)
		v.CreatedAt, v.SeenAt, v.ExpiresAt = fromMillis(created), fromMillis(seen), fromMillis(expires)
		return v, err
	}, `SELECT hash, user_id, agent, address, created_at, seen_at, expires_at FROM session
		WHERE (?1 = 0 OR user_id = ?1) AND expires_at > ?2 ORDER BY seen_at DESC, hash`, user, millis(at))
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return all, nil
}

// DeleteAll deletes all sessions of a user and returns their number.
func (s Sessions) DeleteAll(ctx context.Context, user int64) (n int, err error) {
	err = s.db.tx(ctx, func(tx *transaction) error {
		n, err = rowsAffected(tx.ExecContext(ctx, `DELETE FROM session WHERE user_id = ?`, user))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete sessions: %w", err)
	}
	return n, nil
}

// Delete deletes a session. It is not an error if there is none.
func (s Sessions) Delete(ctx context.Context, hash []byte) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM session WHERE hash = ?`, hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}
