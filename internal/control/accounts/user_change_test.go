package accounts

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

const another = "another sentence, quite long"

// cast is a set of accounts: two administrators, and Zoe, who is logged in with a browser and a
// token, both cached.
type cast struct {
	*Accounts
	t      *testing.T
	clock  *clock
	al, bo User
	zoe    User
	cookie string
	token  string
}

func newCast(t *testing.T) *cast {
	t.Helper()
	a, clock := newAccounts(t)
	c := &cast{Accounts: a, t: t, clock: clock}
	var err error
	if c.al, err = a.User(t.Context(), "al"); err == nil {
		c.bo, err = a.CreateUser(t.Context(), "bo", password, true)
	}
	if err == nil {
		c.zoe, err = a.CreateUser(t.Context(), "Zoe", password, false)
	}
	if err == nil {
		c.cookie, _, err = a.login(t.Context(), "zoe", password, home, "browser")
	}
	if err == nil {
		c.token, err = a.CreateToken(t.Context(), c.zoe.Actor, "script", time.Time{})
	}
	if err != nil {
		t.Fatal(err)
	}
	c.in(true, true)
	return c
}

// in checks whether Zoe's session and token are valid.
func (c *cast) in(session, token bool) {
	c.t.Helper()
	if _, err := c.Authenticate(c.t.Context(), c.cookie); (err == nil) != session || err != nil && !errors.Is(err, left4me.Denied) {
		c.t.Errorf("the session: %v", err)
	}
	if _, err := c.AuthenticateToken(c.t.Context(), c.token); (err == nil) != token || err != nil && !errors.Is(err, left4me.Denied) {
		c.t.Errorf("the token: %v", err)
	}
}

func (c *cast) change(name string, what Change) Outcome {
	c.t.Helper()
	o, err := c.ChangeUser(c.t.Context(), c.al.Actor, name, what)
	if err != nil {
		c.t.Fatal(err)
	}
	return o
}

// woken fails the test unless do closes the channel from Ended.
func (c *cast) woken(do func()) {
	c.t.Helper()
	ended := c.Ended()
	do()
	select {
	case <-ended:
	default:
		c.t.Error("the channel from Ended is not closed")
	}
}

func TestChangeUserEndsSessions(t *testing.T) {
	next := another
	for name, test := range map[string]struct {
		what          Change
		token         bool
		revoked, left int
	}{
		"password":            {Change{Password: &next}, true, 0, 1},
		"password and tokens": {Change{Password: &next, RevokeTokens: true}, false, 1, 0},
		"administrator":       {Change{Admin: new(true)}, true, 0, 1},
		"disabled":            {Change{Disabled: new(true)}, false, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCast(t)
			c.woken(func() {
				if o := c.change("zoe", test.what); !o.Changed || o.Sessions != 1 || o.Revoked != test.revoked || o.Tokens != test.left ||
					o.User.Name != "Zoe" {
					t.Errorf("got %+v", o)
				}
			})
			c.in(false, test.token)
			if o := c.change("ZOE", Change{Admin: test.what.Admin, Disabled: test.what.Disabled}); o.Changed || o.Sessions != 0 ||
				o.Revoked != 0 {
				t.Errorf("a change without effect ended sessions or tokens: %+v", o)
			}
		})
	}
}

func TestTokenHasNewRoleImmediately(t *testing.T) {
	c := newCast(t)
	c.change("zoe", Change{Admin: new(true)})
	if who, err := c.AuthenticateToken(t.Context(), c.token); err != nil || !who.Admin {
		t.Errorf("got %+v, error %v", who, err)
	}
	c.change("zoe", Change{Admin: new(false)})
	if who, err := c.AuthenticateToken(t.Context(), c.token); err != nil || who.Admin {
		t.Errorf("got %+v, error %v", who, err)
	}
}

func TestDisabledUserCannotLogIn(t *testing.T) {
	c := newCast(t)
	c.change("zoe", Change{Disabled: new(true)})
	_, _, err := c.login(t.Context(), "zoe", password, home, "")
	if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Denied || e.Text != "this user account is disabled" {
		t.Errorf("got error %v", err)
	}
	_, _, wrong := c.login(t.Context(), "zoe", password+"x", home, "")
	if wrong == nil || wrong.Error() != errLogin.Error() {
		t.Errorf("a wrong password reveals that the user is disabled: %v", wrong)
	}
	if _, err := c.CreateToken(t.Context(), c.zoe.Actor, "x", time.Time{}); !errors.Is(err, left4me.Conflict) {
		t.Errorf("a token for a disabled user: %v", err)
	}
	c.change("zoe", Change{Disabled: new(false)})
	c.in(false, true) // the token works again, as the outcome of disabling promised
	if _, _, err := c.login(t.Context(), "zoe", password, home, ""); err != nil {
		t.Error(err)
	}
}

func TestDeletedUserLosesSessionsAndTokens(t *testing.T) {
	c := newCast(t)
	c.woken(func() {
		o, err := c.DeleteUser(t.Context(), c.al.Actor, "zoe")
		if err != nil || o.Sessions != 1 || o.Revoked != 1 || o.User.Name != "Zoe" {
			t.Fatalf("got %+v, error %v", o, err)
		}
	})
	c.in(false, false)
	if _, _, err := c.login(t.Context(), "zoe", password, home, ""); !errors.Is(err, left4me.Denied) {
		t.Error(err)
	}
	// The next user of the same name, which SQLite might give the same row id, inherits nothing.
	zoe, err := c.CreateUser(t.Context(), "zoe", password, true)
	if err != nil {
		t.Fatal(err)
	}
	c.in(false, false)
	if tokens, err := c.Tokens(t.Context(), Actor{UserID: zoe.UserID, Name: zoe.Name}); err != nil || len(tokens) > 0 {
		t.Errorf("got %+v, error %v", tokens, err)
	}
	for what, err := range map[string]error{
		"delete": second(c.DeleteUser(t.Context(), c.al.Actor, "nobody")),
		"change": second(c.ChangeUser(t.Context(), c.al.Actor, "nobody", Change{Admin: new(true)})),
	} {
		if !errors.Is(err, left4me.NotFound) {
			t.Errorf("%s an unknown user: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestChangeOwnPassword(t *testing.T) {
	c := newCast(t)
	try := func(current, next string, field string) {
		t.Helper()
		_, err := c.ChangePassword(t.Context(), c.zoe.Actor, PasswordChange{Current: current, New: next})
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Invalid || e.Field != field {
			t.Errorf("%v is not about %s", err, field)
		}
	}
	try("wrong", another, "current_password")
	try(password, "short", "password")
	try(password, password, "password")
	c.in(true, true)
	var cookie string
	c.woken(func() {
		o, err := c.ChangePassword(t.Context(), c.zoe.Actor, PasswordChange{Current: password, New: another})
		if err != nil || o.Sessions != 1 || o.Tokens != 1 {
			t.Fatalf("got %+v, error %v", o, err)
		}
		if cookie, err = c.Begin(t.Context(), o, home, "browser"); err != nil {
			t.Fatal(err)
		}
	})
	c.in(false, true)
	if who, err := c.Authenticate(t.Context(), cookie); err != nil || who != c.zoe.Actor {
		t.Errorf("the session from Begin: %+v, %v", who, err)
	}
	if _, _, err := c.login(t.Context(), "zoe", password, home, ""); !errors.Is(err, left4me.Denied) {
		t.Errorf("the old password: %v", err)
	}
	if _, _, err := c.login(t.Context(), "zoe", another, home, ""); err != nil {
		t.Errorf("the new password: %v", err)
	}
	// An administrator cannot bypass the current password with ChangeUser, and the host's own
	// administrator has no password.
	next := another
	if _, err := c.ChangeUser(t.Context(), c.al.Actor, "al", Change{Password: &next}); !errors.Is(err, left4me.Denied) {
		t.Errorf("the own password without the current one: %v", err)
	}
	if _, err := c.ChangePassword(t.Context(), Actor{Name: "root", Admin: true},
		PasswordChange{Current: password, New: another}); !errors.Is(err, left4me.Invalid) {
		t.Errorf("root: %v", err)
	}
}

func TestChangePasswordThrottlesGuesses(t *testing.T) {
	c := newCast(t)
	guess := func(current string) error {
		_, err := c.ChangePassword(t.Context(), c.zoe.Actor, PasswordChange{Current: current, New: another})
		return err
	}
	for range accountLimit.free {
		if err := guess("wrong"); !errors.Is(err, left4me.Invalid) {
			t.Fatal(err)
		}
	}
	if err := guess(password); !errors.Is(err, left4me.Busy) {
		t.Errorf("guesses are not throttled: %v", err)
	}
	if _, _, err := c.login(t.Context(), "zoe", password, home, ""); err != nil {
		t.Errorf("guesses at the current password block the login: %v", err)
	}
	// These guesses don't count at the login: a stranger still has more than the single attempt
	// that remains at an account under attack.
	for range 2 {
		if _, _, err := c.login(t.Context(), "zoe", "wrong", netip.MustParseAddr("198.51.100.7"), ""); !errors.Is(err, left4me.Denied) {
			t.Errorf("a guess at the login: %v", err)
		}
	}
	c.clock.advance(accountLimit.most)
	if err := guess(password); err != nil {
		t.Error(err)
	}
	for range accountLimit.free { // the right password resets the counter
		if err := guess("wrong"); !errors.Is(err, left4me.Invalid) {
			t.Error(err)
		}
	}
}

func TestSignOutEndsAllSessions(t *testing.T) {
	c := newCast(t)
	here := c.cookie
	other, _, err := c.login(t.Context(), "zoe", password, home, "Mozilla/5.0 Firefox/140.0")
	if err != nil {
		t.Fatal(err)
	}
	als := c.mustLogin(t)
	list, err := c.Sessions(t.Context(), c.zoe.Actor, here)
	if err != nil || len(list) != 2 || list[0].Own == list[1].Own || list[0].Address != home.String() {
		t.Errorf("got %+v, error %v", list, err)
	}
	c.woken(func() {
		if o, err := c.SignOut(t.Context(), c.zoe.Actor); err != nil || o.Sessions != 2 || o.Tokens != 1 {
			t.Errorf("got %+v, error %v", o, err)
		}
	})
	c.in(false, true)
	if _, err := c.Authenticate(t.Context(), other); !errors.Is(err, left4me.Denied) {
		t.Errorf("the other browser: %v", err)
	}
	if _, err := c.Authenticate(t.Context(), als); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	if _, err := c.SignOut(t.Context(), Actor{Name: "root", Admin: true}); !errors.Is(err, left4me.Invalid) {
		t.Errorf("root: %v", err)
	}
}

func TestEndSessionEndsOnlyThatSession(t *testing.T) {
	c := newCast(t)
	other, _, err := c.login(t.Context(), "zoe", password, home, "the other")
	if err != nil {
		t.Fatal(err)
	}
	als := c.mustLogin(t)
	idOf := func(cookie string, who Actor) string {
		t.Helper()
		list, err := c.Sessions(t.Context(), who, cookie)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			if s.Own {
				return s.ID
			}
		}
		t.Fatalf("session not found in %+v", list)
		return ""
	}
	id := idOf(other, c.zoe.Actor)
	for name, err := range map[string]error{
		"of another user":    c.EndSession(t.Context(), c.zoe.Actor, idOf(als, c.al.Actor)),
		"by another user":    c.EndSession(t.Context(), c.al.Actor, id),
		"with an unknown id": c.EndSession(t.Context(), c.zoe.Actor, "0123456789ab"),
		"without an id":      c.EndSession(t.Context(), c.zoe.Actor, ""),
	} {
		if !errors.Is(err, left4me.NotFound) {
			t.Errorf("a session %s: %v", name, err)
		}
	}
	if err := c.EndSession(t.Context(), Actor{Name: "root", Admin: true}, id); !errors.Is(err, left4me.Invalid) {
		t.Errorf("the machine's own administrator: %v", err)
	}
	if _, err := c.Authenticate(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	c.woken(func() {
		if err := c.EndSession(t.Context(), c.zoe.Actor, id); err != nil {
			t.Error(err)
		}
	})
	if _, err := c.Authenticate(t.Context(), other); !errors.Is(err, left4me.Denied) {
		t.Errorf("the ended session is still valid: %v", err)
	}
	c.in(true, true)
	if _, err := c.Authenticate(t.Context(), als); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	if err := c.EndSession(t.Context(), c.zoe.Actor, id); !errors.Is(err, left4me.NotFound) {
		t.Errorf("ending the session twice: %v", err)
	}
}

// A login that read the user before a change must not create a session after it.
func TestConcurrentChangePreventsNewSession(t *testing.T) {
	next := another
	for name, change := range map[string]func(c *cast) error{
		"password": func(c *cast) error {
			return second(c.ChangeUser(c.t.Context(), c.al.Actor, "zoe", Change{Password: &next}))
		},
		"disabled": func(c *cast) error {
			return second(c.ChangeUser(c.t.Context(), c.al.Actor, "zoe", Change{Disabled: new(true)}))
		},
		"deleted": func(c *cast) error { return second(c.DeleteUser(c.t.Context(), c.al.Actor, "zoe")) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCast(t)
			derive := c.hashing.derive
			var changed error
			c.hashing.derive = func(p phc, typed string) []byte {
				c.hashing.derive = derive
				changed = change(c)
				return derive(p, typed)
			}
			_, _, err := c.login(t.Context(), "zoe", password, home, "")
			if changed != nil || !errors.Is(err, left4me.Denied) {
				t.Errorf("got %v, error %v", changed, err)
			}
			if left, err := c.Sessions(t.Context(), c.zoe.Actor, ""); err != nil || len(left) > 0 {
				t.Errorf("got %+v, error %v", left, err)
			}
		})
	}
}

func TestLastAdministratorIsKept(t *testing.T) {
	c := newCast(t)
	c.change("bo", Change{Disabled: new(true)}) // an administrator who cannot log in doesn't count
	for name, err := range map[string]error{
		"role":    second(c.ChangeUser(t.Context(), c.al.Actor, "al", Change{Admin: new(false)})),
		"disable": second(c.ChangeUser(t.Context(), c.al.Actor, "al", Change{Disabled: new(true)})),
		"delete":  second(c.DeleteUser(t.Context(), c.al.Actor, "al")),
	} {
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Conflict || e.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.change("bo", Change{Disabled: new(false)})
	c.change("al", Change{Admin: new(false)})
	if o := c.change("al", Change{Disabled: new(true)}); o.User.Admin || !o.User.Disabled {
		t.Errorf("got %+v", o)
	}
}

func TestLastAdministratorIsKeptUnderConcurrentChanges(t *testing.T) {
	c := newCast(t)
	for i := range 4 {
		if _, err := c.CreateUser(t.Context(), fmt.Sprint("admin", i), password, true); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"al", "bo", "admin0", "admin1", "admin2", "admin3"}
	var done sync.WaitGroup
	for i, name := range names {
		done.Go(func() {
			var err error
			switch i % 3 {
			case 0:
				_, err = c.ChangeUser(t.Context(), c.al.Actor, name, Change{Admin: new(false)})
			case 1:
				_, err = c.ChangeUser(t.Context(), c.al.Actor, name, Change{Disabled: new(true)})
			case 2:
				_, err = c.DeleteUser(t.Context(), c.al.Actor, name)
			}
			if err != nil && !errors.Is(err, left4me.Conflict) {
				t.Error(err)
			}
		})
	}
	done.Wait()
	all, err := c.Users(t.Context())
	left := 0
	for _, u := range all {
		if u.Admin && !u.Disabled {
			left++
		}
	}
	if err != nil || left != 1 {
		t.Errorf("%d administrators remain, want 1; %v", left, err)
	}
}
