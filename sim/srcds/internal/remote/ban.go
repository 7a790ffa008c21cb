package remote

import (
	"net/netip"
	"sync"
	"time"
)

// Policy says when an address is banned.
type Policy struct {
	MinFailures int           // more than that within Window
	Window      time.Duration //
	MaxFailures int           // that many in all
	Penalty     time.Duration // 0 is for as long as the process runs
}

// bans remembers who tried wrong passwords.
type bans struct {
	mu       sync.Mutex
	failures map[netip.Addr][]time.Time
	until    map[netip.Addr]time.Time
}

func newBans() *bans {
	return &bans{failures: map[netip.Addr][]time.Time{}, until: map[netip.Addr]time.Time{}}
}

// failed counts a wrong password and says whether the address is banned now.
func (b *bans) failed(from netip.Addr, now time.Time, p Policy) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := append(b.failures[from], now)
	b.failures[from] = all
	recent := 0
	for _, at := range all {
		if now.Sub(at) <= p.Window {
			recent++
		}
	}
	if recent <= p.MinFailures && len(all) < p.MaxFailures {
		return false
	}
	delete(b.failures, from)
	b.until[from] = time.Time{}
	if p.Penalty > 0 {
		b.until[from] = now.Add(p.Penalty)
	}
	return true
}

func (b *bans) banned(from netip.Addr, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	until, ok := b.until[from]
	if ok && !until.IsZero() && now.After(until) {
		delete(b.until, from)
		return false
	}
	return ok
}
