package accounts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store/storetest"
)

const password = "correct horse battery"

var home = netip.MustParseAddr("192.0.2.7")

// cheap is a low hashing cost for tests that hash often.
var cheap = cost{memory: 64, time: 1, threads: 1}

// clock is a clock that tests advance by hand.
type clock struct{ time.Time }

func (c *clock) now() time.Time          { return c.Time }
func (c *clock) advance(d time.Duration) { c.Time = c.Add(d) }

// newAccounts returns Accounts on a real store with cheap hashes and one user, Al.
func newAccounts(t *testing.T) (*Accounts, *clock) {
	t.Helper()
	a := New(storetest.New(t), "a secret of the tests", slog.New(slog.DiscardHandler))
	a.hashing = newHashing(cheap)
	c := &clock{time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	a.now = c.now
	if _, err := a.CreateUser(t.Context(), "Al", password, true); err != nil {
		t.Fatal(err)
	}
	return a, c
}

// login logs in from a browser without a mark.
func (a *Accounts) login(ctx context.Context, name, password string, from netip.Addr, agent string) (string, Actor, error) {
	e, err := a.Login(ctx, Attempt{Name: name, Password: password, From: from, Agent: agent})
	return e.Cookie, e.Actor, err
}

func (a *Accounts) mustLogin(t *testing.T) string {
	t.Helper()
	cookie, _, err := a.login(t.Context(), "al", password, home, "browser")
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

func TestLoginRequiresCorrectPassword(t *testing.T) {
	a, _ := newAccounts(t)
	cookie, actor, err := a.login(t.Context(), "AL", password, home, strings.Repeat("ü", 1000))
	if err != nil || actor.Name != "Al" || !actor.Admin || len(cookie) < 40 {
		t.Fatalf("got %+v, error %v", actor, err)
	}
	if who, err := a.Authenticate(t.Context(), cookie); err != nil || who != actor {
		t.Errorf("got %+v, error %v", who, err)
	}
	_, _, wrong := a.login(t.Context(), "Al", password+"x", home, "")
	_, _, nobody := a.login(t.Context(), "nobody", password, home, "")
	_, _, long := a.login(t.Context(), "Al", strings.Repeat("x", 1<<20), home, "")
	_, _, odd := a.login(t.Context(), "a b\x00", password, home, "")
	for _, err := range []error{wrong, nobody, long, odd} {
		if !errors.Is(err, left4me.Denied) || err.Error() != wrong.Error() {
			t.Errorf("%v reveals more than %v", err, wrong)
		}
	}
}

// The cost of a login must not reveal whether the user exists: the number and the cost of the
// hashes must be equal.
func TestLoginCostsTheSameForUnknownUsers(t *testing.T) {
	a, _ := newAccounts(t)
	login := func(name, password string) (work []string) {
		a.hashing.derive = func(p phc, password string) []byte {
			work = append(work, fmt.Sprintf("%+v, %d and %d bytes, %d of key", p.cost, len(password), len(p.salt), len(p.key)))
			return p.derive(password)
		}
		_, _, _ = a.login(t.Context(), name, password, home, "")
		return work
	}
	for _, guess := range []string{password, "x", "", strings.Repeat("x", 1<<20)} {
		known, unknown := login("Al", guess), login("nobody", guess)
		if len(known) != 1 || !slices.Equal(known, unknown) {
			t.Errorf("a known user costs %v, an unknown one %v", known, unknown)
		}
	}
}

// Compares the wall-clock time of both cases, with a wide margin and the production cost.
func TestLoginTakesAsLongForUnknownUsers(t *testing.T) {
	h := newHashing(defaultCost)
	stored, err := h.hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	take := func(stored string, best *time.Duration) {
		start := time.Now()
		if ok, err := h.verify(t.Context(), stored, "wrong"); ok || err != nil {
			t.Fatalf("got ok %v, error %v", ok, err)
		}
		*best = min(*best, time.Since(start))
	}
	// Alternate and keep the fastest run of each: other programs on this machine take time too.
	known, unknown := time.Hour, time.Hour
	for range 30 {
		take(stored, &known)
		take("", &unknown)
		if ratio := float64(known) / float64(unknown); ratio > 0.7 && ratio < 1.4 {
			return
		}
	}
	t.Errorf("verify took %s for a known user, %s for an unknown one", known, unknown)
}

func TestPasswordHashVerifiesOnlyItsPassword(t *testing.T) {
	h := newHashing(cheap)
	one, err := h.hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	if two, _ := h.hash(t.Context(), password); one == two || !strings.HasPrefix(one, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("%s and %s", one, two)
	}
	if ok, err := h.verify(t.Context(), one, password); !ok || err != nil {
		t.Errorf("got ok %v, error %v", ok, err)
	}
	if ok, err := h.verify(t.Context(), one, password+" "); ok || err != nil {
		t.Errorf("another password: %v, %v", ok, err)
	}
	if ok, err := h.verify(t.Context(), "", ""); ok || err != nil {
		t.Errorf("empty hash and password: %v, %v", ok, err)
	}
	parts := strings.Split(one, "$")
	for _, broken := range []string{
		"x", "$argon2i" + strings.TrimPrefix(one, "$argon2id"), strings.Replace(one, "v=19", "v=16", 1),
		strings.Replace(one, "m=64", "m=99999999", 1),
		strings.Replace(one, "t=1", "t=0", 1), strings.Replace(one, "t=1", "t=9999", 1), strings.Replace(one, "p=1", "p=0", 1),
		strings.Replace(one, parts[5], "", 1), one + "$x", one + "=",
	} {
		if ok, err := h.verify(t.Context(), broken, password); ok || !errors.Is(err, errPHC) {
			t.Errorf("%s: %v, %v", broken, ok, err)
		}
	}
	if defaultCost.memory < 19*1024 || defaultCost.time < 2 {
		t.Errorf("production cost below the recommended minimum: %+v", defaultCost)
	}
}

func TestPasswordHashingIsLimited(t *testing.T) {
	a, _ := newAccounts(t)
	leave := make(chan struct{})
	inside := make(chan struct{}, 100)
	a.hashing.derive = func(phc, string) []byte {
		inside <- struct{}{}
		<-leave
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error, hashQueue)
	for range hashQueue {
		go func() { _, err := a.hashing.verify(ctx, "", "x"); results <- err }()
	}
	for range hashAtOnce {
		<-inside
	}
	for end := time.Now().Add(10 * time.Second); a.hashing.waiting.Load() < hashQueue; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the logins never queued")
		}
	}
	if _, err := a.hashing.verify(t.Context(), "", "x"); !errors.Is(err, left4me.Busy) {
		t.Errorf("verify with a full queue: %v", err)
	}
	if len(inside) != 0 {
		t.Error("more than two hashes run at once")
	}
	cancel() // waiting calls return
	for range hashQueue - hashAtOnce {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled call: %v", err)
		}
	}
	close(leave)
	for range hashAtOnce {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func TestLoginThrottlesGuesses(t *testing.T) {
	a, c := newAccounts(t)
	guess := func(name string, from netip.Addr) time.Duration {
		_, _, err := a.login(t.Context(), name, "wrong", from, "")
		var wait RetryAfter
		if errors.As(err, &wait) != errors.Is(err, left4me.Busy) {
			t.Fatalf("Busy without RetryAfter: %v", err)
		}
		return time.Duration(wait)
	}
	for i := range accountLimit.free {
		if wait := guess("Al", home); wait != 0 {
			t.Fatalf("attempt %d waits %s", i, wait)
		}
	}
	if wait := guess("aL", netip.MustParseAddr("198.51.100.1")); wait != 0 {
		t.Error("another address got no attempt")
	}
	if wait := guess("aL", netip.MustParseAddr("198.51.100.1")); wait == 0 {
		t.Error("another address was not throttled")
	}
	if _, _, err := a.login(t.Context(), "Al", password, home, ""); !errors.Is(err, left4me.Busy) {
		t.Errorf("throttling reveals that the password is right: %v", err)
	}
	if wait := guess("Bo", home); wait != 0 {
		t.Errorf("another account at the same address waits %s", wait)
	}
	c.advance(time.Second)
	if wait := guess("Al", home); wait != 0 {
		t.Errorf("after a second: %s more", wait)
	}
	c.advance(time.Second)
	if wait := guess("Al", home); wait == 0 {
		t.Error("the second wait is not longer")
	}
	c.advance(accountLimit.most)
	a.mustLogin(t)
	for i := range accountLimit.free {
		if wait := guess("Al", home); wait != 0 {
			t.Errorf("attempt %d after a login waits %s", i, wait)
		}
	}
}

func TestLoginThrottlesAddressAcrossAccounts(t *testing.T) {
	a, c := newAccounts(t)
	six := netip.MustParseAddr("2001:db8::1")
	for i := range addressLimit.free {
		if _, _, err := a.login(t.Context(), fmt.Sprint("user", i), "x", six, ""); errors.Is(err, left4me.Busy) {
			t.Fatalf("attempt %d: %v", i, err)
		}
	}
	if _, _, err := a.login(t.Context(), "next", "x", netip.MustParseAddr("2001:db8::2"), ""); !errors.Is(err, left4me.Busy) {
		t.Errorf("another address in the same /64: %v", err)
	}
	if _, _, err := a.login(t.Context(), "next", "x", netip.MustParseAddr("2001:db8:0:1::1"), ""); errors.Is(err, left4me.Busy) {
		t.Errorf("another network: %v", err)
	}
	c.advance(addressLimit.forget + time.Second)
	if _, _, err := a.login(t.Context(), "next", "x", six, ""); errors.Is(err, left4me.Busy) {
		t.Errorf("failures never expire: %v", err)
	}
	if network(netip.MustParseAddr("::ffff:192.0.2.7")) != network(home) {
		t.Error("an IPv4-mapped address differs from its IPv4 form")
	}
}

func TestThrottleMemoryIsBounded(t *testing.T) {
	const most = 3
	now := time.Unix(1e9, 0)
	th := throttleOf(most)
	for i := range 10 {
		name, from := strconv.Itoa(i), netip.AddrFrom4([4]byte{203, 0, 113, byte(i)})
		th.take(name, from, now)
		th.takeKnown(visitor{account: name, network: network(from)}, from, now)
		th.takeOwn(int64(i), now)
		th.succeeded("met "+name, from, admission{})
		th.take("0", from, now) // keeps its account the most recently used
	}
	for what, n := range map[string]int{
		"accounts": th.accounts.Len(), "addresses": th.address.Len(), "visitors": th.visitors.Len(), "met": th.knownNetworks.Len(),
		"owners": th.owners.Len(),
	} {
		if n != most {
			t.Errorf("%d %s in memory, want %d", n, what, most)
		}
	}
	if _, ok := th.accounts.Get("0"); !ok {
		t.Error("the most recently used entry was evicted")
	}
}

func TestThrottleWaitGrowsToLimit(t *testing.T) {
	var last time.Duration
	for i := range 200 {
		now := time.Unix(1e9, 0)
		wait := accountLimit.wait(tries{count: i, last: now}, now)
		if wait < last || wait > accountLimit.most || (wait > 0) != (i >= accountLimit.free) {
			t.Fatalf("after %d tries: %s, before that %s", i, wait, last)
		}
		last = wait
	}
	if last != accountLimit.most {
		t.Errorf("final wait %s, want the maximum", last)
	}
}

func TestSessionsExpire(t *testing.T) {
	a, c := newAccounts(t)
	authenticate := func(cookie string) error { _, err := a.Authenticate(t.Context(), cookie); return err }
	unused, used, ended := a.mustLogin(t), a.mustLogin(t), a.mustLogin(t)
	if unused == used {
		t.Fatal("two sessions share a cookie")
	}
	if err := a.Logout(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	for _, cookie := range []string{ended, "", "x", used + "x", used[1:], strings.Repeat("x", 1000)} {
		if err := authenticate(cookie); !errors.Is(err, left4me.Denied) {
			t.Errorf("%.60q: %v", cookie, err)
		}
	}
	var lasted time.Duration
	for step := 29 * 24 * time.Hour; lasted+step <= MaxSession; lasted += step {
		c.advance(step)
		if err := authenticate(used); err != nil {
			t.Fatalf("an active session ended after %s: %v", lasted+step, err)
		}
	}
	if err := authenticate(unused); !errors.Is(err, left4me.Denied) {
		t.Errorf("an idle session did not expire: %v", err)
	}
	c.advance(MaxSession - lasted)
	if err := authenticate(used); !errors.Is(err, left4me.Denied) {
		t.Errorf("a session outlived MaxSession: %v", err)
	}
}

func TestLogoutTakesEffectImmediately(t *testing.T) {
	a, _ := newAccounts(t)
	cookie := a.mustLogin(t)
	if _, err := a.Authenticate(t.Context(), cookie); err != nil { // caches the session
		t.Fatal(err)
	}
	if err := a.Logout(t.Context(), cookie); err != nil {
		t.Fatal(err)
	}
	if who, err := a.Authenticate(t.Context(), cookie); !errors.Is(err, left4me.Denied) {
		t.Errorf("got %+v, error %v", who, err)
	}
	// Simulates a database answer that was read before the logout and arrives after it.
	sum := a.digest(cookie)
	_, drops, _ := a.cache.get(sum, a.now())
	a.cache.drop(sum)
	a.cache.set(sum, Actor{Name: "Al"}, a.now(), time.Time{}, drops)
	if _, err := a.Authenticate(t.Context(), cookie); !errors.Is(err, left4me.Denied) {
		t.Errorf("a stale database answer was cached: %v", err)
	}
}

// Programs send a token with each request, and allocations per request are what the garbage
// collector adds to the response time.
func TestAuthenticateTokenDoesNotAllocate(t *testing.T) {
	a, _ := newAccounts(t)
	al, err := a.User(t.Context(), "al")
	if err != nil {
		t.Fatal(err)
	}
	token, err := a.CreateToken(t.Context(), al.Actor, "script", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(1000, func() {
		if _, err := a.AuthenticateToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	})
	if n > 5 { // with the race detector a pool drops a quarter of its items
		t.Errorf("%v allocations", n)
	}
}

func TestTokensExpireAndCanBeRevoked(t *testing.T) {
	a, c := newAccounts(t)
	user, err := a.User(t.Context(), "al")
	al := user.Actor
	if err != nil {
		t.Fatal(err)
	}
	forever, err := a.CreateToken(t.Context(), al, "script", time.Time{})
	if err != nil || !strings.HasPrefix(forever, TokenPrefix) || len(forever) < 40 {
		t.Fatalf("got %s, error %v", forever, err)
	}
	short, err := a.CreateToken(t.Context(), al, "script", c.Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	byToken := al
	byToken.Token = "script"
	for _, token := range []string{forever, short} {
		if who, err := a.AuthenticateToken(t.Context(), token); err != nil || who != byToken {
			t.Errorf("got %+v, error %v", who, err)
		}
	}
	c.advance(time.Second) // less than cacheFor, so the answer is still cached
	if _, err := a.AuthenticateToken(t.Context(), short); !errors.Is(err, left4me.Denied) {
		t.Errorf("expired token: %v", err)
	}
	user, err = a.CreateUser(t.Context(), "zoe", password, false)
	zoe := user.Actor
	if err != nil {
		t.Fatal(err)
	}
	hers, err := a.CreateToken(t.Context(), zoe, "hers", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := a.Tokens(t.Context(), al) // al is an administrator
	if err != nil || len(all) != 3 {
		t.Fatalf("got %+v, error %v", all, err)
	}
	own, err := a.Tokens(t.Context(), zoe)
	if err != nil || len(own) != 1 || own[0].User != "zoe" || own[0].Label != "hers" || strings.Contains(hers, own[0].ID) {
		t.Fatalf("got %+v, error %v", own, err)
	}
	if _, err := a.Tokens(t.Context(), Actor{}); !errors.Is(err, left4me.Denied) {
		t.Errorf("tokens of the zero actor: %v", err)
	}
	var id string
	for _, v := range all {
		if v.User == al.Name && v.ExpiresAt.IsZero() {
			id = v.ID
		}
	}
	for _, wrong := range []string{"", forever, id[:8], strings.ToUpper(id) + "0"} {
		if err := a.RevokeToken(t.Context(), al, wrong); !errors.Is(err, left4me.NotFound) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if err := a.RevokeToken(t.Context(), zoe, id); !errors.Is(err, left4me.NotFound) {
		t.Errorf("revoking another user's token: %v", err)
	}
	if err := a.RevokeToken(t.Context(), zoe, own[0].ID); err != nil {
		t.Errorf("revoking her own token: %v", err)
	}
	if who, err := a.AuthenticateToken(t.Context(), forever); err != nil || who != byToken {
		t.Errorf("got %+v, error %v", who, err)
	}
	if err := a.RevokeToken(t.Context(), al, id); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{
		forever, "", TokenPrefix, TokenPrefix + "x", strings.TrimPrefix(forever, TokenPrefix),
		TokenPrefix + strings.Repeat("x", 1000),
	} {
		if _, err := a.AuthenticateToken(t.Context(), token); !errors.Is(err, left4me.Denied) {
			t.Errorf("%.60q: %v", token, err)
		}
	}
	if err := a.RevokeToken(t.Context(), al, id); !errors.Is(err, left4me.NotFound) {
		t.Errorf("revoked twice: %v", err)
	}
	for field, make := range map[string]func() (string, error){
		"user": func() (string, error) {
			return a.CreateToken(t.Context(), Actor{Name: "local", Admin: true}, "x", time.Time{})
		},
		"label":      func() (string, error) { return a.CreateToken(t.Context(), al, "a\nb", time.Time{}) },
		"expires_at": func() (string, error) { return a.CreateToken(t.Context(), al, "x", c.Time) },
	} {
		_, err := make()
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Invalid || e.Field != field {
			t.Errorf("%v is not about %s", err, field)
		}
	}
}

func TestCreateUserChecksNameAndPassword(t *testing.T) {
	a, _ := newAccounts(t)
	for _, c := range []struct{ name, password, field string }{
		{"", password, "name"},
		{"a b", password, "name"},
		{"a/b", password, "name"},
		{"a\n", password, "name"},
		{"..", password, "name"},
		{strings.Repeat("x", 65), password, "name"},
		{"bo", "short", "password"},
		{"bo", "éééééé", "password"},
		{"bo", strings.Repeat("x", 1025), "password"},
		{"bo", strings.Repeat("x", 20), "password"},
		{"a-long-name", "a-long-name", "password"},
		{"bo", "0123456789\xff", "password"},
		{"AL", password, "name"},
	} {
		_, err := a.CreateUser(t.Context(), c.name, c.password, false)
		if e, ok := left4me.Public(err); !ok || e.Field != c.field {
			t.Errorf("%q with %.20q: %v, want %s", c.name, c.password, err, c.field)
		}
	}
	if who, err := a.CreateUser(t.Context(), "Bo.b-2_x", "éééééééééé é", false); err != nil || who.Admin {
		t.Errorf("got %+v, error %v", who, err)
	}
}
