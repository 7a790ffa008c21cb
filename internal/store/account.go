package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// User is somebody who can log in.
type User struct {
	ID        int64
	Name      string
	Password  string // argon2id in PHC form, or what another program made until the first login
	Admin     bool
	Disabled  bool // neither password nor token lets this user in
	Version   int  // counts changes of password, role and state
	CreatedAt time.Time
}

// Session is a login of a browser.
type Session struct {
	Hash      []byte // of what the cookie holds
	UserID    int64
	Agent     string
	Address   string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
}

// Token is what a program logs in with.
type Token struct {
	Hash      []byte // of the token
	UserID    int64
	Label     string
	CreatedAt time.Time
	UsedAt    time.Time // zero: never
	ExpiresAt time.Time // zero: never
}

const userColumns = `user.id, user.name, user.password, user.admin, user.disabled, user.version, user.created_at`

func scanUser(r row, more ...any) (User, error) {
	var (
		v       User
		created int64
	)
	if err := r.Scan(append([]any{&v.ID, &v.Name, &v.Password, &v.Admin, &v.Disabled, &v.Version, &created}, more...)...); err != nil {
		return v, err
	}
	v.CreatedAt = fromMillis(created)
	return v, nil
}

// User returns the user of a name, whose case does not matter. Errors:
// left4me.NotFound.
func (s *Store) User(ctx context.Context, name string) (User, error) {
	v, err := scanUser(s.read.QueryRowContext(ctx, `SELECT `+userColumns+` FROM user WHERE name = ?`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return v, notFound("user", name)
	}
	if err != nil {
		return v, fmt.Errorf("get user: %w", err)
	}
	return v, nil
}

// Users lists everybody, by name.
func (s *Store) Users(ctx context.Context) ([]User, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+userColumns+` FROM user ORDER BY name`)
	all, err := collect(rows, err, func(r row) (User, error) { return scanUser(r) })
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return all, nil
}

// CreateUser adds a user and returns it with its id. Errors: left4me.Conflict
// when the name is taken.
func (s *Store) CreateUser(ctx context.Context, v User) (User, error) {
	err := s.tx(ctx, func(tx *transaction) error {
		r, err := tx.ExecContext(ctx, `INSERT INTO user(name, password, admin, created_at) VALUES (?,?,?,?)`,
			v.Name, v.Password, v.Admin, millis(v.CreatedAt))
		if violates(err) {
			return &left4me.Error{
				Kind:  left4me.Conflict,
				Field: "name",
				Text:  fmt.Sprintf("there is a user %q already", v.Name),
				Hint:  "choose another name",
			}
		}
		if err != nil {
			return err
		}
		v.ID, err = r.LastInsertId()
		return err
	})
	if err != nil {
		return v, fmt.Errorf("create user: %w", err)
	}
	return v, nil
}

// ReplacePassword gives a user another hash in place of the old one; when it is
// another one meanwhile, that stays.
func (s *Store) ReplacePassword(ctx context.Context, user int64, old, hash string) error {
	err := s.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `UPDATE user SET password = ? WHERE id = ? AND password = ?`, hash, user, old)
		return err
	})
	if err != nil {
		return fmt.Errorf("replace password: %w", err)
	}
	return nil
}

// CreateSession adds a session of a user who is enabled and whose Version is
// still version, and removes sessions that have expired. Errors: left4me.NotFound
// when the user has changed meanwhile.
func (s *Store) CreateSession(ctx context.Context, v Session, version int) error {
	err := s.tx(ctx, func(tx *transaction) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM session WHERE expires_at <= ?`, millis(v.CreatedAt)); err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, `INSERT INTO session(hash, user_id, agent, address, created_at, seen_at, expires_at)
			SELECT ?, id, ?, ?, ?, ?, ? FROM user WHERE id = ? AND version = ? AND NOT disabled`,
			v.Hash, v.Agent, v.Address, millis(v.CreatedAt), millis(v.SeenAt), millis(v.ExpiresAt), v.UserID, version)
		return oneRow(r, err, "the user was changed meanwhile")
	})
	if err != nil {
		return fmt.Errorf("create session: %w", err)
	}
	return nil
}

// Session returns a session, expired or not, and whose it is. Errors:
// left4me.NotFound.
func (s *Store) Session(ctx context.Context, hash []byte) (Session, User, error) {
	v := Session{Hash: hash}
	var created, seen, expires int64
	u, err := scanUser(s.read.QueryRowContext(ctx, `SELECT `+userColumns+`,
		session.agent, session.address, session.created_at, session.seen_at, session.expires_at
		FROM session JOIN user ON user.id = session.user_id WHERE session.hash = ?`, hash),
		&v.Agent, &v.Address, &created, &seen, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return v, u, &left4me.Error{Kind: left4me.NotFound, Text: "there is no such session"}
	}
	if err != nil {
		return v, u, fmt.Errorf("get session: %w", err)
	}
	v.UserID, v.CreatedAt, v.SeenAt, v.ExpiresAt = u.ID, fromMillis(created), fromMillis(seen), fromMillis(expires)
	return v, u, nil
}

// TouchSession notes that a session was used and how long it is good for now.
// One that is gone stays gone.
func (s *Store) TouchSession(ctx context.Context, hash []byte, seen, expires time.Time) error {
	err := s.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `UPDATE session SET seen_at = ?, expires_at = ? WHERE hash = ?`, millis(seen), millis(expires), hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// Sessions lists sessions that have not expired at a moment, last used first:
// those of a user, or with 0 of everybody.
func (s *Store) Sessions(ctx context.Context, user int64, at time.Time) ([]Session, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT hash, user_id, agent, address, created_at, seen_at, expires_at FROM session
		WHERE (?1 = 0 OR user_id = ?1) AND expires_at > ?2 ORDER BY seen_at DESC, hash`, user, millis(at))
	all, err := collect(rows, err, func(r row) (Session, error) {
		var (
			v                      Session
			created, seen, expires int64
		)
		err := r.Scan(&v.Hash, &v.UserID, &v.Agent, &v.Address, &created, &seen, &expires)
		v.CreatedAt, v.SeenAt, v.ExpiresAt = fromMillis(created), fromMillis(seen), fromMillis(expires)
		return v, err
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return all, nil
}

// DeleteSessions removes all sessions of a user and says how many there were.
func (s *Store) DeleteSessions(ctx context.Context, user int64) (n int, err error) {
	err = s.tx(ctx, func(tx *transaction) error {
		n, err = removed(tx.ExecContext(ctx, `DELETE FROM session WHERE user_id = ?`, user))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete sessions: %w", err)
	}
	return n, nil
}

// DeleteSession removes a session; none is no error.
func (s *Store) DeleteSession(ctx context.Context, hash []byte) error {
	err := s.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM session WHERE hash = ?`, hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}

// CreateToken adds a token of a user who is enabled. Errors: left4me.NotFound.
func (s *Store) CreateToken(ctx context.Context, v Token) error {
	err := s.tx(ctx, func(tx *transaction) error {
		r, err := tx.ExecContext(ctx, `INSERT INTO token(hash, user_id, label, created_at, expires_at)
			SELECT ?, id, ?, ?, ? FROM user WHERE id = ? AND NOT disabled`,
			v.Hash, v.Label, millis(v.CreatedAt), millisOrNull(v.ExpiresAt), v.UserID)
		return oneRow(r, err, "there is no such user, or the user is disabled")
	})
	if err != nil {
		return fmt.Errorf("create token: %w", err)
	}
	return nil
}

// Token returns a token, expired or not, and whose it is. Errors:
// left4me.NotFound.
func (s *Store) Token(ctx context.Context, hash []byte) (Token, User, error) {
	v := Token{Hash: hash}
	var (
		created       int64
		used, expires sql.NullInt64
	)
	u, err := scanUser(s.read.QueryRowContext(ctx, `SELECT `+userColumns+`,
		token.label, token.created_at, token.used_at, token.expires_at
		FROM token JOIN user ON user.id = token.user_id WHERE token.hash = ?`, hash),
		&v.Label, &created, &used, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return v, u, &left4me.Error{Kind: left4me.NotFound, Text: "there is no such token"}
	}
	if err != nil {
		return v, u, fmt.Errorf("get token: %w", err)
	}
	v.UserID, v.CreatedAt, v.UsedAt, v.ExpiresAt = u.ID, fromMillis(created), fromNull(used), fromNull(expires)
	return v, u, nil
}

// OwnedToken is a token and the name of whom it stands for.
type OwnedToken struct {
	Token
	Owner string
}

// Tokens lists tokens, expired ones too, by owner and oldest first: those of a
// user, or with 0 of everybody.
func (s *Store) Tokens(ctx context.Context, user int64) ([]OwnedToken, error) {
	rows, err := s.read.QueryContext(ctx,
		`SELECT token.hash, token.user_id, token.label, token.created_at, token.used_at, token.expires_at, user.name
		FROM token JOIN user ON user.id = token.user_id
		WHERE ?1 = 0 OR token.user_id = ?1 ORDER BY user.name, token.created_at, token.hash`, user)
	all, err := collect(rows, err, func(r row) (OwnedToken, error) {
		var (
			v             OwnedToken
			created       int64
			used, expires sql.NullInt64
		)
		err := r.Scan(&v.Hash, &v.UserID, &v.Label, &created, &used, &expires, &v.Owner)
		v.CreatedAt, v.UsedAt, v.ExpiresAt = fromMillis(created), fromNull(used), fromNull(expires)
		return v, err
	})
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return all, nil
}

// TouchToken notes that a token was used.
func (s *Store) TouchToken(ctx context.Context, hash []byte, used time.Time) error {
	err := s.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `UPDATE token SET used_at = ? WHERE hash = ?`, millis(used), hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("touch token: %w", err)
	}
	return nil
}

// DeleteToken removes a token. Errors: left4me.NotFound.
func (s *Store) DeleteToken(ctx context.Context, hash []byte) error {
	err := s.tx(ctx, func(tx *transaction) error {
		r, err := tx.ExecContext(ctx, `DELETE FROM token WHERE hash = ?`, hash)
		return oneRow(r, err, "there is no such token")
	})
	if err != nil {
		return fmt.Errorf("delete token: %w", err)
	}
	return nil
}
