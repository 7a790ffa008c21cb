package remote

import (
	"net/netip"
	"sync"
	"time"
)

// Policy defines when an address is banned.
type Policy struct {
	MinFailures int           // ban above this number within Window
	Window      time.Duration //
	MaxFailures int           // ban at this total number
	Penalty     time.Duration // 0 bans until the process ends
}

// bans records wrong passwords and bans.
type bans struct {
	mu       sync.Mutex
	failures map[netip.Addr][]time.Time
	until    map[netip.Addr]time.Time
}

func newBans() *bans {
	return &bans{failures: map[netip.Addr][]time.Time{}, until: map[netip.Addr]time.Time{}}
}

// failed counts a wrong password and reports whether the address is banned now.
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
