package store

import (
	"context"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Users accesses the table user.
type Users struct{ db *Store }

// Users returns access to users; the value may be copied.
func (s *Store) Users() Users { return Users{s} }

// User is a user account.
type User struct {
	ID        int64 // never reused; from 2³² to 2⁵³
	Name      string
	Password  string // argon2id hash in PHC format, or an imported hash until the first login
	Admin     bool
	Disabled  bool // password and tokens are refused
	Version   int  // counts changes of password, role and state
	CreatedAt time.Time
}

// Target returns v as a target.
func (v User) Target() left4me.Target {
	return left4me.Target{Kind: left4me.UserTarget, ID: UserID(v.ID), Name: v.Name}
}

const userColumns = `user.id, user.name, user.password, user.admin, user.disabled, user.version, user.created_at`

func scanUser(r row) (User, error) { return scanUserAnd(r) }

// scanUserAnd reads a user and further columns.
func scanUserAnd(r row, more ...any) (User, error) {
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

// Get returns the user with this name, ignoring case. Errors: left4me.NotFound.
func (s Users) Get(ctx context.Context, name string) (User, error) {
	return one(s.db.row(ctx, `SELECT `+userColumns+` FROM user WHERE name = ?`, name), scanUser, "user", name)
}

// List returns all users, by name.
func (s Users) List(ctx context.Context) ([]User, error) {
	all, err := list(ctx, s.db, scanUser, `SELECT `+userColumns+` FROM user ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return all, nil
}

// Create adds a user and returns it with its id. Errors: left4me.Conflict if the name is taken.
func (s Users) Create(ctx context.Context, v User) (User, error) {
	v.ID = newUserID()
	err := s.db.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO user(id, name, password, admin, created_at) VALUES (?,?,?,?,?)`,
			v.ID, v.Name, v.Password, v.Admin, millis(v.CreatedAt))
		if uniqueViolation(err) {
			return left4me.NewError(left4me.Conflict, "user.exists", "user", v.Name).InField("name")
		}
		if err != nil {
			return err
		}
		return tx.event(ctx, left4me.UserCreated, v.Target(), left4me.UserEvent{Admin: v.Admin})
	})
	if err != nil {
		return v, fmt.Errorf("create user: %w", err)
	}
	return v, nil
}

// ReplacePassword replaces the password hash of a user, if it is still old.
func (s Users) ReplacePassword(ctx context.Context, user int64, old, hash string) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `UPDATE user SET password = ? WHERE id = ? AND password = ?`, hash, user, old)
		return err
	})
	if err != nil {
		return fmt.Errorf("replace password: %w", err)
	}
	return nil
}
