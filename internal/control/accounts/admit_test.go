package accounts

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

func addr(format string, args ...any) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf(format, args...))
}

// besiege fails at Al's account until its wait is at the maximum, and returns before any of that
// wait has passed.
func besiege(t *testing.T, a *Accounts, c *clock) {
	t.Helper()
	for i := range 13 {
		c.advance(accountLimit.most)
		if _, _, err := a.login(t.Context(), "al", "a guess", addr("203.0.113.%d", i%3), ""); !errors.Is(err, left4me.Denied) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	if said, wait := a.throttle.take("al", addr("203.0.113.9"), a.now()); said != accountRefused || wait != accountLimit.most {
		t.Fatalf("the wait is %s", wait)
	}
}

func TestGuessingDoesNotLockOutAdministrator(t *testing.T) {
	a, c := newAccounts(t)
	refused := 0
	for i := range 40 {
		c.advance(time.Minute)
		_, _, err := a.login(t.Context(), "al", "a guess", addr("203.0.113.%d", i%3), "")
		if i < 10 {
			continue // from here the account's wait is at its maximum
		}
		if !errors.Is(err, left4me.Denied) {
			t.Fatalf("guess %d: %v", i, err)
		}
		if _, _, err := a.login(t.Context(), "al", password, addr("198.51.100.%d", i), ""); err != nil {
			refused++
		}
	}
	if refused > 0 {
		t.Errorf("%d of 30 logins with the right password were refused", refused)
	}
}

func (a *Accounts) as(t *testing.T, password, browser string, from netip.Addr) (Entry, error) {
	t.Helper()
	return a.Login(t.Context(), Attempt{Name: "al", Password: password, From: from, Browser: browser})
}

func TestKnownBrowserHasOwnAttempts(t *testing.T) {
	a, c := newAccounts(t)
	first, err := a.as(t, password, "", home)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Logout(t.Context(), first.Cookie); err != nil {
		t.Fatal(err)
	}
	besiege(t, a, c)
	// Another client of this network has failed, too. The network is not known, so its single attempt as
	// a stranger is used up.
	away := addr("203.0.113.1")
	if _, err := a.as(t, password, "", away); !errors.Is(err, left4me.Busy) {
		t.Fatalf("a stranger was not throttled: %v", err)
	}
	for range 3 {
		e, err := a.as(t, password, first.Browser, away)
		if err != nil || e.Browser != first.Browser {
			t.Fatalf("got %+v, error %v", e, err)
		}
	}
	away = addr("203.0.113.2") // a network without a login
	for i := range accountLimit.free {
		if _, err := a.as(t, "a guess", first.Browser, away); !errors.Is(err, left4me.Denied) {
			t.Fatalf("attempt %d: %v", i, err)
		}
	}
	if _, err := a.as(t, password, first.Browser, away); !errors.Is(err, left4me.Busy) {
		t.Errorf("a stolen browser mark is not throttled: %v", err)
	}
}

func TestBrowserMarksCannotBeForged(t *testing.T) {
	a, c := newAccounts(t)
	zoe, err := a.CreateUser(t.Context(), "zoe", password, false)
	if err != nil {
		t.Fatal(err)
	}
	login := func(name, browser string) string {
		t.Helper()
		e, err := a.Login(t.Context(), Attempt{Name: name, Password: password, From: home, Browser: browser})
		if err != nil {
			t.Fatal(err)
		}
		return e.Browser
	}
	als, zoes := login("al", ""), login("zoe", "")
	if _, err := a.DeleteUser(t.Context(), Actor{}, "zoe"); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Second)
	if again, err := a.CreateUser(t.Context(), "zoe", password, false); err != nil || again.UserID == zoe.UserID {
		t.Fatalf("%+v, %v: the id of a deleted user was reused", again, err)
	}
	al, _ := a.storage.Users().Get(t.Context(), "al")
	next, _ := a.storage.Users().Get(t.Context(), "zoe")
	id, sum, _ := strings.Cut(als, ".")
	for what, got := range map[string]string{
		"another account": a.browserID(zoes, al), "a deleted user": a.browserID(zoes, next),
		"another id": a.browserID(random(markID)+"."+sum, al),
		"no hash":    a.browserID(id, al), "an empty hash": a.browserID(id+".", al), "half a hash": a.browserID(id+"."+sum[:10], al),
		"nothing":     a.browserID("", al),
		"another key": New(nil, "another secret", a.log).browserID(als, al), "a long one": a.browserID(strings.Repeat("x", 1<<20), al),
	} {
		if got != "" {
			t.Errorf("a mark with %s was accepted", what)
		}
	}
	if a.browserID(als, al) != id {
		t.Error("the genuine mark was refused")
	}
	// Several people may share a browser: the mark keeps its id and the last few accounts.
	mark := als
	for i := range markAccounts + 1 {
		name := fmt.Sprint("user", i)
		if _, err := a.CreateUser(t.Context(), name, password, false); err != nil {
			t.Fatal(err)
		}
		mark = login(name, mark)
	}
	if u, _ := a.storage.Users().Get(t.Context(), "user1"); a.browserID(mark, u) != id || a.browserID(mark, al) != "" ||
		len(mark) > maxMark {
		t.Errorf("got %s", mark)
	}
}

func TestKnownNetworkHasOwnAttempts(t *testing.T) {
	a, c := newAccounts(t)
	near := addr("2001:db8:7::1")
	e, err := a.as(t, password, "", near)
	if err != nil {
		t.Fatal(err)
	}
	besiege(t, a, c)
	fail := func(a *Accounts, from netip.Addr) {
		t.Helper()
		if _, err := a.as(t, "a guess", "", from); !errors.Is(err, left4me.Denied) {
			t.Fatal(err)
		}
	}
	neighbour := addr("2001:db8:7::2") // in the same /64
	fail(a, neighbour)
	if _, err := a.as(t, password, "", neighbour); err != nil {
		t.Error(err)
	}
	if _, err := a.as(t, password, "", addr("2001:db8:7:1::1")); !errors.Is(err, left4me.Busy) {
		t.Errorf("another address in a /48 with failures: %v", err)
	}
	// After a restart only a session proves that the network is known.
	restarted := func() *Accounts {
		b := New(a.storage, "a secret of the tests", a.log)
		b.hashing, b.now = a.hashing, a.now
		besiege(t, b, c)
		return b
	}
	b := restarted()
	fail(b, near)
	if _, err := b.as(t, password, "", near); err != nil {
		t.Error(err)
	}
	if _, err := b.SignOut(t.Context(), e.Actor); err != nil {
		t.Fatal(err)
	}
	b = restarted()
	fail(b, near)
	if _, err := b.as(t, password, "", near); !errors.Is(err, left4me.Busy) {
		t.Errorf("the network still counts as known: %v", err)
	}
}

func TestStrangerHasOneAttemptAtATime(t *testing.T) {
	a, c := newAccounts(t)
	besiege(t, a, c)
	var inside, most atomic.Int32
	derive := a.hashing.derive
	a.hashing.derive = func(p phc, password string) []byte {
		defer inside.Add(-1)
		for n := inside.Add(1); ; {
			if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		for range 1000 { // gives other goroutines a chance to enter
			runtime.Gosched()
		}
		return derive(p, password)
	}
	results := make([]error, 12)
	var done sync.WaitGroup
	for i := range results {
		done.Go(func() {
			_, results[i] = a.as(t, "a guess", "", addr("198.51.100.%d", i%6)) // each address twice
		})
	}
	done.Wait()
	denied := 0
	for _, err := range results {
		switch {
		case errors.Is(err, left4me.Denied):
			denied++
		case !errors.Is(err, left4me.Busy):
			t.Error(err)
		}
	}
	if denied != 6 || most.Load() != 1 {
		t.Errorf("%d attempts admitted, %d at once; want 6, 1", denied, most.Load())
	}
	// A stranger gets no further attempts from the other /64 networks of a /48.
	for i, want := range []error{left4me.Denied, left4me.Busy, left4me.Busy} {
		if _, err := a.as(t, "a guess", "", addr("2001:db8:%d:%d::1", 5, i)); !errors.Is(err, want) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// A stranger that is never admitted gives up, and the address isn't charged for the attempt.
func TestStrangerStopsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		now := time.Now()
		one, two := addr("198.51.100.1"), addr("198.51.100.2")
		leave, ok := th.takeStranger(t.Context(), "Al", one, now)
		if !ok {
			t.Fatal("the first stranger had to wait")
		}
		if done, ok := th.takeStranger(t.Context(), "bo", addr("198.51.100.3"), now); !ok {
			t.Error("a stranger at another account had to wait")
		} else {
			done()
		}
		ctx, cancel := context.WithTimeout(t.Context(), strangerWait)
		defer cancel()
		if _, ok := th.takeStranger(ctx, "al", two, now); ok || time.Since(now) != strangerWait {
			t.Errorf("after %s: %t", time.Since(now), ok)
		}
		leave()
		if done, ok := th.takeStranger(t.Context(), "al", two, now); !ok {
			t.Error("the unused attempt was charged to the address")
		} else {
			done()
		}
		if len(th.strangers) > 0 {
			t.Error("single is not empty")
		}
	})
}
