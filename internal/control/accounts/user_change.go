package accounts

import (
	"context"
	"errors"
	"net/netip"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Change is an administrator's change of a user; nil fields stay unchanged.
type Change struct {
	Password     *string
	Admin        *bool
	Disabled     *bool
	RevokeTokens bool
}

// Outcome is the result of changing a user. The user's sessions have ended. Its tokens remain valid
// unless they were revoked, but are refused while the user is disabled.
type Outcome struct {
	User     User
	Changed  bool // false if the change had no effect
	Sessions int  // ended sessions
	Revoked  int  // revoked tokens
	Tokens   int  // remaining tokens

	row store.User
}

// ChangeUser changes a user and ends its sessions, including open event streams. The caller has
// checked that by may. Errors: left4me.Invalid for "password", left4me.Conflict for the last
// administrator who can log in, left4me.NotFound, left4me.Denied for by's own password, which needs
// the current one.
func (a *Accounts) ChangeUser(ctx context.Context, by Actor, name string, c Change) (Outcome, error) {
	u, err := a.storage.Users().Get(ctx, name)
	if err != nil {
		return Outcome{}, err
	}
	change := store.UserChange{Admin: c.Admin, Disabled: c.Disabled, RevokeTokens: c.RevokeTokens}
	if c.Password != nil {
		if u.ID == by.UserID {
			return Outcome{}, left4me.NewError(left4me.Denied, "password.own")
		}
		if err := checkPassword(u.Name, *c.Password); err != nil {
			return Outcome{}, err
		}
		hash, err := a.hashing.hash(ctx, *c.Password)
		if err != nil {
			return Outcome{}, err
		}
		change.Password = &hash
	}
	return a.change(ctx, by, u, change)
}

func (a *Accounts) change(ctx context.Context, by Actor, u store.User, c store.UserChange) (Outcome, error) {
	now, ended, err := a.storage.By(by.Cause()).Users().Change(ctx, u, c)
	if err != nil {
		return Outcome{}, err
	}
	a.forget(u.ID)
	a.log.InfoContext(ctx, "user changed", "user", u.Name, "by", by.Name, "password", c.Password != nil, "admin", now.Admin,
		"disabled", now.Disabled, "sessions ended", ended.Sessions, "tokens revoked", ended.Revoked)
	return Outcome{
		User:     userOf(a.actorOf(now), now),
		Changed:  now.Version != u.Version,
		Sessions: ended.Sessions,
		Revoked:  ended.Revoked,
		Tokens:   ended.Tokens,
		row:      now,
	}, nil
}

// DeleteUser deletes a user with its sessions and tokens. The caller has checked that by may.
// Errors: left4me.Conflict for the last administrator who can log in, left4me.NotFound.
func (a *Accounts) DeleteUser(ctx context.Context, by Actor, name string) (Outcome, error) {
	u, err := a.storage.Users().Get(ctx, name)
	if err != nil {
		return Outcome{}, err
	}
	ended, err := a.storage.By(by.Cause()).Users().Delete(ctx, u)
	if err != nil {
		return Outcome{}, err
	}
	a.forget(u.ID)
	a.log.InfoContext(ctx, "user deleted", "user", u.Name, "by", by.Name, "sessions ended", ended.Sessions, "tokens revoked", ended.Revoked)
	return Outcome{User: userOf(a.actorOf(u), u), Sessions: ended.Sessions, Revoked: ended.Revoked}, nil
}

// PasswordChange is a user's change of their own password.
type PasswordChange struct {
	Current, New string
	RevokeTokens bool
}

// ChangePassword changes the password of the actor and ends all its sessions; the caller uses Begin to
// create a new one. Wrong guesses of the current password are throttled. Errors: left4me.Invalid
// for "current_password" or "password", left4me.Busy.
func (a *Accounts) ChangePassword(ctx context.Context, who Actor, c PasswordChange) (Outcome, error) {
	u, err := a.self(ctx, who)
	if err != nil {
		return Outcome{}, err
	}
	if err := checkPassword(u.Name, c.New); err != nil {
		return Outcome{}, err
	}
	if wait := a.throttle.takeOwn(u.ID, a.now()); wait > 0 {
		return Outcome{}, after(wait, left4me.NewError(left4me.Busy, "password.too_many_wrong", "wait", wait))
	}
	ok, err := a.hashing.verify(ctx, u.Password, truncated(c.Current))
	if err != nil {
		return Outcome{}, err
	}
	if !ok {
		a.log.WarnContext(ctx, "password not changed: the current one is wrong", "user", u.Name)
		return Outcome{}, left4me.NewError(left4me.Invalid, "password.current_wrong").InField("current_password")
	}
	a.throttle.ownSucceeded(u.ID)
	if c.New == c.Current {
		return Outcome{}, left4me.NewError(left4me.Invalid, "password.unchanged").InField("password")
	}
	hash, err := a.hashing.hash(ctx, c.New)
	if err != nil {
		return Outcome{}, err
	}
	return a.change(ctx, who, u, store.UserChange{Password: &hash, RevokeTokens: c.RevokeTokens})
}

// Begin creates a session for the user whose change has the outcome o.
func (a *Accounts) Begin(ctx context.Context, o Outcome, from netip.Addr, agent string) (cookie string, err error) {
	return a.begin(ctx, o.row, from, agent)
}

// self returns the user row of the actor. The host's own administrator has no row.
func (a *Accounts) self(ctx context.Context, who Actor) (store.User, error) {
	if who.UserID == 0 {
		return store.User{}, left4me.NewError(left4me.Invalid, "user.machine_administrator")
	}
	u, err := a.storage.Users().Get(ctx, who.Name)
	if err == nil && u.ID != who.UserID {
		err = errNobody
	}
	return u, denied(err)
}

// SignOut ends all sessions of the actor; its tokens remain valid. Errors: left4me.Invalid for the host's
// own administrator.
func (a *Accounts) SignOut(ctx context.Context, who Actor) (Outcome, error) {
	u, err := a.self(ctx, who)
	if err != nil {
		return Outcome{}, err
	}
	tokens, err := a.storage.Tokens().List(ctx, u.ID)
	if err != nil {
		return Outcome{}, err
	}
	n, err := a.storage.Sessions().DeleteAll(ctx, u.ID)
	if errors.Is(err, left4me.DiskFull) {
		n, err = a.markAllEnded(ctx, u.ID)
	}
	if err != nil {
		return Outcome{}, err
	}
	a.forget(u.ID)
	a.log.InfoContext(ctx, "signed out everywhere", "user", u.Name, "sessions ended", n)
	return Outcome{User: userOf(a.actorOf(u), u), Sessions: n, Tokens: len(tokens)}, nil
}

// markAllEnded marks all sessions of a user as ended if their rows cannot be deleted. The marks
// last until left4me exits.
func (a *Accounts) markAllEnded(ctx context.Context, user int64) (int, error) {
	all, err := a.storage.Sessions().List(ctx, user, a.now())
	for _, v := range all {
		a.unsaved.markEnded(digest(v.Hash))
	}
	return len(all), err
}

// forget drops a user's cached sessions and tokens and wakes waiters of Ended.
func (a *Accounts) forget(user int64) {
	a.unsaved.endAll(user)
	a.cache.dropUser(user)
	a.ends.wake()
}
