package accounts

import (
	"container/list"
	"context"
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

// The account's limit is mild, because anybody can fail on somebody's behalf, and
// whoever logged in before isn't held up by it; an address is shared by few.
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
	visitors *lru[visitor, tries]
	met      *lru[visitor, struct{}] // networks that logged in to an account
	owners   *lru[int64, tries]      // of the current password, by somebody who is logged in
	single   map[string]chan struct{}
}

func newThrottle() *throttle {
	const most = 10_000
	return &throttle{
		accounts: newLRU[string, tries](most), address: newLRU[netip.Prefix, tries](most), visitors: newLRU[visitor, tries](most),
		met: newLRU[visitor, struct{}](most), owners: newLRU[int64, tries](most), single: map[string]chan struct{}{},
	}
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

// wide is what counts as one stranger: whoever has a /64 often has the /48 around
// it, which is 65,536 of them.
func wide(a netip.Addr) netip.Prefix {
	p := network(a)
	if p.Bits() == 64 {
		p, _ = p.Addr().Prefix(48)
	}
	return p
}

// verdict is what the throttle says of an attempt.
type verdict int

const (
	admitted       verdict = iota
	addressRefused         // this address guesses too much
	accountRefused         // somebody guesses too much at this account
)

// take counts an attempt before it is made, so that many at once don't slip
// through together, or says how long to wait and for whose sake.
func (t *throttle) take(name string, from netip.Addr, now time.Time) (verdict, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	name = strings.ToLower(name)
	account, _ := t.accounts.get(name)
	address, _ := t.address.get(network(from))
	if wait := addressLimit.wait(address, now); wait > 0 {
		return addressRefused, wait
	}
	if wait := accountLimit.wait(account, now); wait > 0 {
		return accountRefused, wait
	}
	t.accounts.set(name, accountLimit.after(account, now))
	t.count(from, now)
	return admitted, 0
}

// count counts an attempt of an address.
func (t *throttle) count(from netip.Addr, now time.Time) {
	for _, p := range places(from) {
		v, _ := t.address.get(p)
		t.address.set(p, addressLimit.after(v, now))
	}
}

func places(from netip.Addr) []netip.Prefix {
	if narrow, around := network(from), wide(from); narrow != around {
		return []netip.Prefix{narrow, around}
	}
	return []netip.Prefix{network(from)}
}

// takeKnown is take for a visitor of an account whose attempts others have used
// up.
func (t *throttle) takeKnown(v visitor, from netip.Addr, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	tried, _ := t.visitors.get(v)
	if accountLimit.wait(tried, now) > 0 {
		return false
	}
	t.visitors.set(v, accountLimit.after(tried, now))
	t.count(from, now)
	return true
}

// takeStranger is take for somebody unknown at such an account, who has one
// attempt: an address without failures. It waits for its turn, since one attempt
// at a time goes through; done ends it.
func (t *throttle) takeStranger(ctx context.Context, name string, from netip.Addr, now time.Time) (done func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	name = strings.ToLower(name)
	if v, _ := t.address.get(wide(from)); v.count > 0 && now.Sub(v.last) <= addressLimit.forget {
		return nil, false
	}
	t.count(from, now)
	for t.single[name] != nil {
		turn := t.single[name]
		t.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
		}
		t.mu.Lock()
		if ctx.Err() != nil {
			t.uncount(from)
			return nil, false
		}
	}
	turn := make(chan struct{})
	t.single[name] = turn
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.single, name)
		close(turn)
	}, true
}

// uncount takes back what count counted.
func (t *throttle) uncount(from netip.Addr) {
	for _, p := range places(from) {
		if v, ok := t.address.get(p); ok && v.count > 0 {
			v.count--
			t.address.set(p, v)
		}
	}
}

func (t *throttle) hasMet(v visitor) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.met.get(v)
	return ok
}

// succeeded takes back what was counted of an attempt: the account starts anew,
// or the visitor that was admitted for itself, and the address gets this one
// attempt back.
func (t *throttle) succeeded(name string, from netip.Addr, by admission) {
	t.mu.Lock()
	defer t.mu.Unlock()
	name = strings.ToLower(name)
	switch {
	case by.visitor != visitor{}:
		t.visitors.drop(by.visitor)
	case !by.stranger:
		t.accounts.drop(name)
	}
	t.uncount(from)
	t.met.set(visitor{account: name, network: network(from)}, struct{}{})
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
