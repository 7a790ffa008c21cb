package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/left4me/left4me/internal/left4me"
)

// UserChange is a change of a user; nil fields stay unchanged.
type UserChange struct {
	Password     *string // hash
	Admin        *bool
	Disabled     *bool
	RevokeTokens bool
}

// Ended counts the sessions and tokens that a change of a user ended, and the remaining tokens.
type Ended struct {
	Sessions int
	Revoked  int // revoked tokens
	Tokens   int // remaining tokens
}

var errLastAdmin = left4me.NewError(left4me.Conflict, "user.last_administrator")

// Change changes a user and ends its sessions in one transaction. v is the user as it was read. A
// change without effect ends no sessions. Errors: left4me.Conflict for the last administrator who
// can log in, or if the user has changed since it was read; left4me.NotFound.
func (s Users) Change(ctx context.Context, v User, c UserChange) (User, Ended, error) {
	var (
		now   User
		ended Ended
	)
	err := s.db.tx(ctx, func(tx *transaction) (err error) {
		ended = Ended{}
		if now, err = rereadUser(ctx, tx, v); err != nil {
			return err
		}
		if now.Version != v.Version {
			return left4me.NewError(left4me.Conflict, "user.changed", "user", v.Name)
		}
		could := now.Admin && !now.Disabled
		changed := c.apply(&now)
		if could && (!now.Admin || now.Disabled) {
			if err := requireOtherAdmin(ctx, tx, v.ID); err != nil {
				return err
			}
		}
		if changed {
			now.Version++
			if _, err := tx.ExecContext(ctx, `UPDATE user SET password = ?, admin = ?, disabled = ?, version = ? WHERE id = ?`,
				now.Password, now.Admin, now.Disabled, now.Version, now.ID); err != nil {
				return err
			}
			if ended.Sessions, err = rowsAffected(tx.ExecContext(ctx, `DELETE FROM session WHERE user_id = ?`, v.ID)); err != nil {
				return err
			}
			err = tx.event(ctx, left4me.UserChanged, v.Target(),
				left4me.UserEvent{Admin: now.Admin, Disabled: now.Disabled, Password: now.Password != v.Password})
			if err != nil {
				return err
			}
		}
		if c.RevokeTokens {
			if ended.Revoked, err = revokeAll(ctx, tx, v); err != nil {
				return err
			}
		}
		return tx.QueryRowContext(ctx, `SELECT count(*) FROM token WHERE user_id = ?`, v.ID).Scan(&ended.Tokens)
	})
	if err != nil {
		return User{}, Ended{}, fmt.Errorf("change user: %w", err)
	}
	return now, ended, nil
}

// apply changes v and reports whether that had an effect.
func (c UserChange) apply(v *User) bool {
	before := *v
	if c.Password != nil {
		v.Password = *c.Password
	}
	if c.Admin != nil {
		v.Admin = *c.Admin
	}
	if c.Disabled != nil {
		v.Disabled = *c.Disabled
	}
	return *v != before
}

// Delete deletes a user with its sessions and tokens. Errors: left4me.Conflict for the last
// administrator who can log in; left4me.NotFound.
func (s Users) Delete(ctx context.Context, v User) (ended Ended, err error) {
	err = s.db.tx(ctx, func(tx *transaction) (err error) {
		now, err := rereadUser(ctx, tx, v)
		if err != nil {
			return err
		}
		if now.Admin && !now.Disabled {
			if err := requireOtherAdmin(ctx, tx, v.ID); err != nil {
				return err
			}
		}
		if ended.Sessions, err = rowsAffected(tx.ExecContext(ctx, `DELETE FROM session WHERE user_id = ?`, v.ID)); err != nil {
			return err
		}
		if ended.Revoked, err = revokeAll(ctx, tx, v); err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, `DELETE FROM user WHERE id = ?`, v.ID); err != nil {
			return err
		}
		return tx.event(ctx, left4me.UserDeleted, v.Target(), nil)
	})
	if err != nil {
		return Ended{}, fmt.Errorf("delete user: %w", err)
	}
	return ended, nil
}

// revokeAll deletes the tokens of a user and returns their number.
func revokeAll(ctx context.Context, tx *transaction, v User) (int, error) {
	labels, err := queryAll(ctx, tx, func(r row) (label string, err error) { return label, r.Scan(&label) },
		`DELETE FROM token WHERE user_id = ? RETURNING label`, v.ID)
	if err != nil {
		return 0, err
	}
	for _, label := range labels {
		if err := tx.event(ctx, left4me.TokenRevoked, v.Target(), left4me.TokenEvent{Label: label}); err != nil {
			return 0, err
		}
	}
	return len(labels), nil
}

// rereadUser reads the current row of a user within the transaction.
func rereadUser(ctx context.Context, tx *transaction, v User) (User, error) {
	return one(tx.QueryRowContext(ctx, `SELECT `+userColumns+` FROM user WHERE id = ?`, v.ID),
		scanUser, "user", v.Name)
}

// requireOtherAdmin returns an error unless another administrator can log in.
func requireOtherAdmin(ctx context.Context, tx *transaction, user int64) error {
	var others int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM user WHERE admin AND NOT disabled AND id <> ?`,
		user).Scan(&others); err != nil {
		return err
	}
	if others == 0 {
		return errLastAdmin
	}
	return nil
}

// rowsAffected returns the number of rows affected by a statement.
func rowsAffected(r sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	return int(n), err
}

// requireRow returns none if a statement affected no row.
func requireRow(r sql.Result, err error, none *left4me.Error) error {
	n, err := rowsAffected(r, err)
	if err == nil && n == 0 {
		err = none
	}
	return err
}
