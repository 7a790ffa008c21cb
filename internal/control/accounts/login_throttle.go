package accounts

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// recent is a map of bounded size: the entry that was not used for longest makes
// room. It is not safe for concurrent use.
type recent[K comparable, V any] = simplelru.LRU[K, V]

// newRecent makes one of at most so many entries, of which there must be some.
func newRecent[K comparable, V any](most int) *recent[K, V] {
	l, err := simplelru.NewLRU[K, V](most, nil)
	if err != nil {
		panic(err) // no entries
	}
	return l
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
	accounts *recent[string, tries]
	address  *recent[netip.Prefix, tries]
	visitors *recent[visitor, tries]
	met      *recent[visitor, struct{}] // networks that logged in to an account
	owners   *recent[int64, tries]      // of the current password, by somebody who is logged in
	single   map[string]chan struct{}
}

func newThrottle() *throttle { return throttleOf(10_000) }

// throttleOf makes a throttle that remembers so many accounts, addresses and visitors.
func throttleOf(most int) *throttle {
	return &throttle{
		accounts: newRecent[string, tries](most), address: newRecent[netip.Prefix, tries](most), visitors: newRecent[visitor, tries](most),
		met: newRecent[visitor, struct{}](most), owners: newRecent[int64, tries](most), single: map[string]chan struct{}{},
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
	account, _ := t.accounts.Get(name)
	address, _ := t.address.Get(network(from))
	if wait := addressLimit.wait(address, now); wait > 0 {
		return addressRefused, wait
	}
	if wait := accountLimit.wait(account, now); wait > 0 {
		return accountRefused, wait
	}
	t.accounts.Add(name, accountLimit.after(account, now))
	t.count(from, now)
	return admitted, 0
}

// count counts an attempt of an address.
func (t *throttle) count(from netip.Addr, now time.Time) {
	for _, p := range places(from) {
		v, _ := t.address.Get(p)
		t.address.Add(p, addressLimit.after(v, now))
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
	tried, _ := t.visitors.Get(v)
	if accountLimit.wait(tried, now) > 0 {
		return false
	}
	t.visitors.Add(v, accountLimit.after(tried, now))
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
	if v, _ := t.address.Get(wide(from)); v.count > 0 && now.Sub(v.last) <= addressLimit.forget {
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
		if v, ok := t.address.Get(p); ok && v.count > 0 {
			v.count--
			t.address.Add(p, v)
		}
	}
}

func (t *throttle) hasMet(v visitor) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.met.Get(v)
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
		t.visitors.Remove(by.visitor)
	case !by.stranger:
		t.accounts.Remove(name)
	}
	t.uncount(from)
	t.met.Add(visitor{account: name, network: network(from)}, struct{}{})
}

// own is take for the current password of somebody who is logged in: whoever
// guesses at the login must not keep that user from changing the password, and
// whoever found a browser that is logged in must not guess for ever.
func (t *throttle) own(user int64, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, _ := t.owners.Get(user)
	if wait := accountLimit.wait(v, now); wait > 0 {
		return wait
	}
	t.owners.Add(user, accountLimit.after(v, now))
	return 0
}

func (t *throttle) ownSucceeded(user int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owners.Remove(user)
}
