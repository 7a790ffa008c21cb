package accounts

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Lifetime of a session: IdleSession after its last use, and at most MaxSession.
const (
	IdleSession = 30 * 24 * time.Hour
	MaxSession  = 90 * 24 * time.Hour

	touchEvery = time.Minute // minimum interval between writes of SeenAt and UsedAt
	maxAgent   = 256
)

// strangerWait is how long a stranger waits to be admitted at an account under attack, where one
// attempt runs at a time.
const strangerWait = 5 * time.Second

// Attempt is a login attempt.
type Attempt struct {
	Name, Password string
	From           netip.Addr
	Agent          string // User-Agent header
	Browser        string // mark from an earlier login, or empty
}

// Entry is the result of a successful login.
type Entry struct {
	Cookie  string // the only copy of the session's secret
	Browser string // mark for the browser to send with its next Attempt
	Actor   Actor
}

// Login checks a password and begins a session. Errors: left4me.Denied, and left4me.Busy wrapping a
// RetryAfter after too many attempts.
func (a *Accounts) Login(ctx context.Context, l Attempt) (Entry, error) {
	// Invalid names share one throttle entry, so that they don't take memory.
	account := l.Name
	if !userName().MatchString(account) {
		account = "?"
	}
	u, err := a.storage.Users().Get(ctx, l.Name)
	if err != nil && !errors.Is(err, left4me.NotFound) {
		return Entry{}, err
	}
	by, err := a.admit(ctx, account, u, l)
	if err != nil {
		return Entry{}, err
	}
	defer by.done()
	ok, err := a.hashing.verify(ctx, u.Password, truncated(l.Password))
	if err != nil {
		return Entry{}, err
	}
	if !ok {
		a.log.WarnContext(ctx, "login failed", "user", account, "from", l.From)
		return Entry{}, errLogin
	}
	if u.Disabled { // checked only after the password, so that nobody else learns it
		a.log.WarnContext(ctx, "login of a disabled user", "user", account, "from", l.From)
		return Entry{}, errDisabled
	}
	a.throttle.succeeded(account, l.From, by)
	a.upgrade(ctx, u, l.Password)
	cookie, err := a.begin(ctx, u, l.From, l.Agent)
	if err != nil {
		return Entry{}, err
	}
	a.log.InfoContext(ctx, "login", "user", u.Name, "from", l.From)
	return Entry{Cookie: cookie, Browser: a.updatedMark(l.Browser, u), Actor: a.actorOf(u)}, nil
}

// admission records how an attempt passed the throttle.
type admission struct {
	visitor  visitor // set if admitted as a known visitor
	stranger bool    // set if admitted as the one stranger at a time
	done     func()
}

// admit lets an attempt through or returns how long to wait. Where strangers have used up the
// attempts at an account, known browsers and networks have some of their own and every other
// address has one, so that an attacker cannot lock the user out.
func (a *Accounts) admit(ctx context.Context, account string, u store.User, l Attempt) (admission, error) {
	now := a.now()
	by := admission{done: func() {}}
	decision, wait := a.throttle.take(account, l.From, now)
	if decision == admitted {
		return by, nil
	}
	if decision == accountRefused {
		for _, v := range a.knownVisitors(ctx, u, l) {
			if a.throttle.takeKnown(v, l.From, now) {
				by.visitor = v
				return by, nil
			}
		}
		waiting, cancel := context.WithTimeout(ctx, strangerWait)
		defer cancel()
		if done, ok := a.throttle.takeStranger(waiting, account, l.From, now); ok {
			by.stranger, by.done = true, done
			return by, nil
		}
	}
	a.log.WarnContext(ctx, "login throttled", "user", account, "from", l.From, "wait", wait)
	return admission{}, after(wait, left4me.NewError(left4me.Busy, "auth.too_many_attempts", "wait", wait))
}

// truncated limits a password to MaxPassword+1 bytes. A longer one is wrong in any case, but must
// take as long to check as others.
func truncated(password string) string { return password[:min(len(password), MaxPassword+1)] }

// begin creates a session for u as read when its password was checked.
func (a *Accounts) begin(ctx context.Context, u store.User, from netip.Addr, agent string) (cookie string, err error) {
	cookie = random(43)
	now := a.now()
	sum := a.digest(cookie)
	session := store.Session{
		Hash: sum[:], UserID: u.ID, Agent: shorten(agent, maxAgent), Address: from.String(),
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(IdleSession),
	}
	err = a.storage.Sessions().Create(ctx, session, u.Version)
	switch {
	case errors.Is(err, left4me.DiskFull):
		// An administrator who cannot log in cannot free space on the disk.
		a.log.WarnContext(ctx, "session is kept in memory only", "user", u.Name, "err", err)
		a.unsaved.begin(unsavedSession{sum: sum, session: session, user: u})
	case errors.Is(err, left4me.NotFound): // the user was changed or deleted after the password check
		return "", errLogin
	case err != nil:
		return "", err
	}
	return cookie, nil
}

func shorten(s string, most int) string {
	return strings.ToValidUTF8(s[:min(len(s), most)], "")
}

// Authenticate returns the actor that a session cookie belongs to. Errors: left4me.Denied for an
// unknown or expired session.
func (a *Accounts) Authenticate(ctx context.Context, cookie string) (Actor, error) {
	if cookie == "" || len(cookie) > 128 {
		return Actor{}, errNobody
	}
	sum := a.digest(cookie)
	now := a.now()
	actor, drops, ok := a.cache.get(sum, now)
	if ok {
		return actor, nil
	}
	v, u, err := a.storage.Sessions().Get(ctx, sum[:])
	if errors.Is(err, left4me.NotFound) {
		if b, ok := a.unsaved.get(sum); ok {
			v, u, err = a.recall(ctx, b)
			v.SeenAt = now // an unsaved session has no row to update
		}
	}
	if err == nil && a.unsaved.isMarkedEnded(sum) {
		err = errNobody
	}
	if err != nil {
		return Actor{}, denied(err)
	}
	if u.Disabled || !now.Before(v.ExpiresAt) {
		return Actor{}, errNobody
	}
	if now.Sub(v.SeenAt) >= touchEvery {
		expires := v.CreatedAt.Add(MaxSession)
		if idle := now.Add(IdleSession); idle.Before(expires) {
			expires = idle
		}
		// On a full disk SeenAt isn't saved and the session isn't extended.
		if err := a.storage.Sessions().Touch(ctx, sum[:], now, expires); errors.Is(err, left4me.DiskFull) {
			expires = v.ExpiresAt
		} else if err != nil {
			return Actor{}, err
		}
		v.ExpiresAt = expires
	}
	a.cache.set(sum, a.actorOf(u), now, v.ExpiresAt, drops)
	return a.actorOf(u), nil
}

// recall returns a session that is in memory only and the current row of its user.
func (a *Accounts) recall(ctx context.Context, b unsavedSession) (store.Session, store.User, error) {
	u, err := a.storage.Users().Get(ctx, b.user.Name)
	if err == nil && (u.ID != b.user.ID || u.Version != b.user.Version) {
		err = errNobody
	}
	return b.session, u, err
}

// Session is a browser login, as its user sees it.
type Session struct {
	ID        string // prefix of its hash, which only serves to end the session
	Agent     string // User-Agent header
	Address   string
	CreatedAt time.Time
	SeenAt    time.Time // up to a minute old
	Own       bool      // belongs to the requesting browser
}

// Sessions lists the sessions of the actor, most recently used first; cookie is that of the requesting
// browser. Sessions that could not be saved on a full disk are not included.
func (a *Accounts) Sessions(ctx context.Context, who Actor, cookie string) ([]Session, error) {
	rows, err := a.storage.Sessions().List(ctx, who.UserID, a.now())
	if err != nil {
		return nil, err
	}
	var all []Session
	own := a.digest(cookie)
	for _, v := range rows {
		if sum := digest(v.Hash); !a.unsaved.isMarkedEnded(sum) {
			all = append(all,
				Session{ID: shortID(v.Hash), Agent: v.Agent, Address: v.Address, CreatedAt: v.CreatedAt, SeenAt: v.SeenAt, Own: sum == own})
		}
	}
	return all, nil
}

// LastSeen returns when users last used a session, by user id.
func (a *Accounts) LastSeen(ctx context.Context) (map[int64]time.Time, error) {
	rows, err := a.storage.Sessions().List(ctx, 0, a.now())
	seen := map[int64]time.Time{}
	for _, v := range rows { // most recently used first
		if _, ok := seen[v.UserID]; !ok {
			seen[v.UserID] = v.SeenAt
		}
	}
	return seen, err
}

// Logout ends the session of a cookie immediately and everywhere. On a full disk the row remains,
// and the session counts as ended until left4me exits.
func (a *Accounts) Logout(ctx context.Context, cookie string) error {
	return a.endSession(ctx, a.digest(cookie))
}

// EndSession ends one session of the actor, as Logout does from its own browser. Errors:
// left4me.NotFound, also for a session that has already ended.
func (a *Accounts) EndSession(ctx context.Context, who Actor, id string) error {
	u, err := a.self(ctx, who) // List takes 0 as all users, so a user is required
	if err != nil {
		return err
	}
	rows, err := a.storage.Sessions().List(ctx, u.ID, a.now())
	if err != nil {
		return err
	}
	for _, v := range rows {
		if sum := digest(v.Hash); shortID(v.Hash) == id && !a.unsaved.isMarkedEnded(sum) {
			if err := a.endSession(ctx, sum); err != nil {
				return err
			}
			a.log.InfoContext(ctx, "session ended", "user", u.Name, "address", v.Address)
			return nil
		}
	}
	return left4me.NewError(left4me.NotFound, "session.ended")
}

func (a *Accounts) endSession(ctx context.Context, sum digest) error {
	var err error
	if !a.unsaved.end(sum) {
		err = a.storage.Sessions().Delete(ctx, sum[:])
		if errors.Is(err, left4me.DiskFull) {
			a.unsaved.markEnded(sum)
			err = nil
		}
	}
	a.cache.drop(sum)
	a.ends.wake()
	return err
}
