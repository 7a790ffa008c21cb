package accounts

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// recent is a map of bounded size that evicts the least recently used entry. It is not safe for
// concurrent use.
type recent[K comparable, V any] = simplelru.LRU[K, V]

// newRecent returns a recent with room for most entries; most must be positive.
func newRecent[K comparable, V any](most int) *recent[K, V] {
	l, err := simplelru.NewLRU[K, V](most, nil)
	if err != nil {
		panic(err) // only if most is not positive
	}
	return l
}

// limit defines how failed attempts turn into waiting time: the first free attempts don't wait,
// then the wait starts at 1 s and doubles up to most. Attempts older than forget don't count.
type limit struct {
	free   int
	most   time.Duration
	forget time.Duration
}

// The limit per account is mild, because attackers can also exhaust it. Known browsers and networks are
// not subject to it. Few people share an address, so its limit is stricter.
var (
	accountLimit = limit{free: 5, most: time.Minute, forget: 15 * time.Minute}
	addressLimit = limit{free: 20, most: 15 * time.Minute, forget: time.Hour}
)

// tries counts the attempts of one account or address.
type tries struct {
	count int
	last  time.Time
}

// wait returns how long the next attempt has to wait.
func (l limit) wait(t tries, now time.Time) time.Duration {
	since := now.Sub(t.last)
	if t.count < l.free || since > l.forget {
		return 0
	}
	delay := min(l.most, time.Second<<min(t.count-l.free, 20))
	return max(0, delay-since)
}

// after returns t with one attempt added.
func (l limit) after(t tries, now time.Time) tries {
	if now.Sub(t.last) > l.forget {
		t.count = 0
	}
	return tries{count: t.count + 1, last: now}
}

// throttle limits password guessing. Its memory is bounded.
type throttle struct {
	mu            sync.Mutex
	accounts      *recent[string, tries]
	address       *recent[netip.Prefix, tries]
	visitors      *recent[visitor, tries]
	knownNetworks *recent[visitor, struct{}] // networks that have logged in to an account
	owners        *recent[int64, tries]      // guesses at the current password by a logged-in user, by user id
	strangers     map[string]chan struct{}
}

func newThrottle() *throttle { return throttleOf(10_000) }

// throttleOf returns a throttle that remembers up to most accounts, addresses and visitors each.
func throttleOf(most int) *throttle {
	return &throttle{
		accounts: newRecent[string, tries](most), address: newRecent[netip.Prefix, tries](most), visitors: newRecent[visitor, tries](most),
		knownNetworks: newRecent[visitor, struct{}](most), owners: newRecent[int64, tries](most), strangers: map[string]chan struct{}{},
	}
}

// network returns the prefix that is throttled as one address: a single IPv4 address or an IPv6
// /64.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero prefix if the address is unknown
	return p
}

// strangerPrefix returns the prefix that counts as one stranger. The owner of an IPv6 /64 often has
// the /48 around it, which holds 65,536 of them.
func strangerPrefix(a netip.Addr) netip.Prefix {
	p := network(a)
	if p.Bits() == 64 {
		p, _ = p.Addr().Prefix(48)
	}
	return p
}

// verdict is the throttle's decision on an attempt.
type verdict int

const (
	admitted       verdict = iota
	addressRefused         // too many attempts from this address
	accountRefused         // too many attempts at this account
)

// take counts an attempt before it is made, so that concurrent attempts cannot slip through
// together. If it refuses the attempt, it returns the reason and how long to wait.
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

// count adds an attempt to the counters of an address.
func (t *throttle) count(from netip.Addr, now time.Time) {
	for _, p := range throttlePrefixes(from) {
		v, _ := t.address.Get(p)
		t.address.Add(p, addressLimit.after(v, now))
	}
}

func throttlePrefixes(from netip.Addr) []netip.Prefix {
	if narrow, around := network(from), strangerPrefix(from); narrow != around {
		return []netip.Prefix{narrow, around}
	}
	return []netip.Prefix{network(from)}
}

// takeKnown counts and admits an attempt of a known visitor at an account whose attempts others
// have used up.
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

// takeStranger admits an attempt of an unknown client at an account whose attempts are used up, if
// its address has no failures. One such attempt per account runs at a time; takeStranger blocks
// until it is next or ctx ends. The caller calls done after the attempt.
func (t *throttle) takeStranger(ctx context.Context, name string, from netip.Addr, now time.Time) (done func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	name = strings.ToLower(name)
	if v, _ := t.address.Get(strangerPrefix(from)); v.count > 0 && now.Sub(v.last) <= addressLimit.forget {
		return nil, false
	}
	t.count(from, now)
	for t.strangers[name] != nil {
		finished := t.strangers[name]
		t.mu.Unlock()
		select {
		case <-finished:
		case <-ctx.Done():
		}
		t.mu.Lock()
		if ctx.Err() != nil {
			t.uncount(from)
			return nil, false
		}
	}
	finished := make(chan struct{})
	t.strangers[name] = finished
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.strangers, name)
		close(finished)
	}, true
}

// uncount reverts count.
func (t *throttle) uncount(from netip.Addr) {
	for _, p := range throttlePrefixes(from) {
		if v, ok := t.address.Get(p); ok && v.count > 0 {
			v.count--
			t.address.Add(p, v)
		}
	}
}

func (t *throttle) knowsNetwork(v visitor) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.knownNetworks.Get(v)
	return ok
}

// succeeded reverts what an attempt was charged: it resets the counter of the account, or of the
// visitor that was admitted as such, and refunds this attempt to the address.
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
	t.knownNetworks.Add(visitor{account: name, network: network(from)}, struct{}{})
}

// takeOwn counts a guess at the current password by a logged-in user. This counter is separate from
// the login's: an attacker at the login must not keep the user from changing the password, and
// an attacker at a logged-in browser must not guess without limit.
func (t *throttle) takeOwn(user int64, now time.Time) time.Duration {
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
