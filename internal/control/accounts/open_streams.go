package accounts

import (
	"sync"

	"github.com/left4me/left4me/internal/left4me"
)

// MaxStreams is how many event streams one session or token may have open at once. Each holds
// memory and a connection for an unlimited time.
const MaxStreams = 50

// streams counts open event streams by session or token.
type streams struct {
	mu   sync.Mutex
	open map[digest]int
}

// Stream counts an event stream of the session or token with this secret until end is called.
// Errors: left4me.Busy when MaxStreams are open.
func (a *Accounts) Stream(secret string) (end func(), err error) {
	sum, s := a.digest(secret), &a.streams
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[sum] >= MaxStreams {
		return nil, errStreams
	}
	if s.open == nil {
		s.open = map[digest]int{}
	}
	s.open[sum]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.open[sum]--; s.open[sum] == 0 {
			delete(s.open, sum)
		}
	}), nil
}

// MayStream reports whether Stream would admit one more stream. Errors: left4me.Busy.
func (a *Accounts) MayStream(secret string) error {
	sum, s := a.digest(secret), &a.streams
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[sum] >= MaxStreams {
		return errStreams
	}
	return nil
}

var errStreams = left4me.NewError(left4me.Busy, "session.too_many_streams", "limit", MaxStreams)
