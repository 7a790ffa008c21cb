package accounts

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// User is a user account.
type User struct {
	Actor
	Disabled  bool // the user cannot log in, and the user's tokens are refused
	CreatedAt time.Time
}

func userOf(as Actor, u store.User) User {
	return User{Actor: as, Disabled: u.Disabled, CreatedAt: u.CreatedAt}
}

func (a *Accounts) actorOf(u store.User) Actor {
	return Actor{UserID: u.ID, Name: u.Name, Admin: u.Admin, names: a.storage}
}

var userName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-zA-Z0-9._-]{1,64}$`)
})

// CreateUser adds a user. The caller has checked the right to do so. Errors: left4me.Invalid for
// "name" or "password", left4me.Conflict for a name that is in use.
func (a *Accounts) CreateUser(ctx context.Context, name, password string, admin bool) (User, error) {
	var wrong left4me.Fields
	if err := CheckUserName(name); err != nil {
		wrong = append(wrong, err)
	}
	if err := checkPassword(name, password); err != nil {
		wrong = append(wrong, err)
	}
	if len(wrong) > 0 {
		return User{}, wrong
	}
	hash, err := a.hashing.hash(ctx, password)
	if err != nil {
		return User{}, err
	}
	u, err := a.storage.Users().Create(ctx, store.User{Name: name, Password: hash, Admin: admin, CreatedAt: a.now()})
	if err != nil {
		return User{}, err
	}
	a.log.InfoContext(ctx, "user created", "user", name, "admin", admin)
	return userOf(a.actorOf(u), u), nil
}

// CheckUserName returns what is wrong with a user name, or nil.
func CheckUserName(name string) *left4me.Error {
	if userName().MatchString(name) && strings.Trim(name, ".") != "" { // "." and ".." cannot be segments of a URL path
		return nil
	}
	return left4me.NewError(left4me.Invalid, "user.name_invalid").InField("name")
}

func checkPassword(name, password string) *left4me.Error {
	switch {
	case !utf8.ValidString(password):
		return left4me.NewError(left4me.Invalid, "password.not_utf8").InField("password")
	case utf8.RuneCountInString(password) < MinPassword:
		return left4me.NewError(left4me.Invalid, "password.too_short", "least", MinPassword).InField("password")
	case len(password) > MaxPassword:
		return left4me.NewError(left4me.Invalid, "password.too_long", "limit", MaxPassword).InField("password")
	case password == name || oneCharacter(password):
		return left4me.NewError(left4me.Invalid, "password.guessable").InField("password")
	}
	return nil
}

// User returns the account with this name. Errors: left4me.NotFound.
func (a *Accounts) User(ctx context.Context, name string) (User, error) {
	u, err := a.storage.Users().Get(ctx, name)
	if err != nil {
		return User{}, err
	}
	return userOf(a.actorOf(u), u), nil
}

// Users lists all accounts, by name.
func (a *Accounts) Users(ctx context.Context) ([]User, error) {
	users, err := a.storage.Users().List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]User, len(users))
	for i, u := range users {
		all[i] = userOf(a.actorOf(u), u)
	}
	return all, nil
}
