package accounts

import (
	"container/list"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// lru is a map of bounded size: the entry that was not used for longest makes
// room. It is not safe for concurrent use.
type lru[K comparable, V any] struct {
	most    int
	entries map[K]*list.Element
	order   *list.List // of pair, last used first
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](most int) *lru[K, V] {
	return &lru[K, V]{most: most, entries: map[K]*list.Element{}, order: list.New()}
}

func (l *lru[K, V]) get(k K) (v V, ok bool) {
	e, ok := l.entries[k]
	if !ok {
		return v, false
	}
	l.order.MoveToFront(e)
	return e.Value.(pair[K, V]).value, true
}

func (l *lru[K, V]) set(k K, v V) {
	if e, ok := l.entries[k]; ok {
		e.Value = pair[K, V]{k, v}
		l.order.MoveToFront(e)
		return
	}
	if len(l.entries) >= l.most {
		oldest := l.order.Back()
		delete(l.entries, oldest.Value.(pair[K, V]).key)
		l.order.Remove(oldest)
	}
	l.entries[k] = l.order.PushFront(pair[K, V]{k, v})
}

func (l *lru[K, V]) drop(k K) {
	if e, ok := l.entries[k]; ok {
		l.order.Remove(e)
		delete(l.entries, k)
	}
}

// limit is how failures become waiting: free ones first, then a second that
// doubles, up to most. What is older than forget does not count.
type limit struct {
	free   int
	most   time.Duration
	forget time.Duration
}

// The account's limit is mild, because anybody can fail on somebody's behalf;
// an address is shared by few.
var (
	accountLimit = limit{free: 5, most: time.Minute, forget: 15 * time.Minute}
	addressLimit = limit{free: 20, most: 15 * time.Minute, forget: time.Hour}
)

// tries are the attempts of one account or address.
type tries struct {
	count int
	last  time.Time
}

// wait says how long the next attempt has to wait.
func (l limit) wait(t tries, now time.Time) time.Duration {
	since := now.Sub(t.last)
	if t.count < l.free || since > l.forget {
		return 0
	}
	delay := min(l.most, time.Second<<min(t.count-l.free, 20))
	return max(0, delay-since)
}

// after is t with one more attempt.
func (l limit) after(t tries, now time.Time) tries {
	if now.Sub(t.last) > l.forget {
		t.count = 0
	}
	return tries{count: t.count + 1, last: now}
}

// throttle slows down guessing. Its memory is bounded.
type throttle struct {
	mu       sync.Mutex
	accounts *lru[string, tries]
	address  *lru[netip.Prefix, tries]
	owners   *lru[int64, tries] // of the current password, by somebody who is logged in
}

func newThrottle() *throttle {
	return &throttle{accounts: newLRU[string, tries](10_000), address: newLRU[netip.Prefix, tries](10_000), owners: newLRU[int64, tries](1000)}
}

// network is what counts as one address: one of IPv4, a /64 of IPv6.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero prefix when the address is not known
	return p
}

// take counts an attempt before it is made, so that many at once don't slip
// through together, or says how long to wait.
func (t *throttle) take(name string, from netip.Addr, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	name = strings.ToLower(name)
	account, _ := t.accounts.get(name)
	address, _ := t.address.get(network(from))
	if wait := max(accountLimit.wait(account, now), addressLimit.wait(address, now)); wait > 0 {
		return wait
	}
	t.accounts.set(name, accountLimit.after(account, now))
	t.address.set(network(from), addressLimit.after(address, now))
	return 0
}

// succeeded takes back what take counted: the account starts anew, the address
// gets this one attempt back.
func (t *throttle) succeeded(name string, from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accounts.drop(strings.ToLower(name))
	if v, ok := t.address.get(network(from)); ok && v.count > 0 {
		v.count--
		t.address.set(network(from), v)
	}
}

// own is take for the current password of somebody who is logged in: whoever
// guesses at the login must not keep that user from changing the password, and
// whoever found a browser that is logged in must not guess for ever.
func (t *throttle) own(user int64, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, _ := t.owners.get(user)
	if wait := accountLimit.wait(v, now); wait > 0 {
		return wait
	}
	t.owners.set(user, accountLimit.after(v, now))
	return 0
}

func (t *throttle) ownSucceeded(user int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owners.drop(user)
}
