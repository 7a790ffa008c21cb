package accounts

import "sync"

// ends wakes those who wait until a session or token has ended.
type ends struct {
	mu   sync.Mutex
	next chan struct{}
}

func (e *ends) wait() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.next == nil {
		e.next = make(chan struct{})
	}
	return e.next
}

func (e *ends) tell() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.next != nil {
		close(e.next)
		e.next = nil
	}
}

// Ended returns a channel that is closed when any session or token ends other
// than by its age. A stream of events takes it before it makes sure that its own
// session or token still counts, and does both again when it is closed: so it
// ends at once, and misses no end.
func (a *Accounts) Ended() <-chan struct{} { return a.ends.wait() }

// Cut watches over an answer that is under way, as a download: it calls cut, once,
// when check fails after a session or token has ended. stop ends that, and returns
// when cut is not called any more.
func (a *Accounts) Cut(check func() error, cut func()) (stop func()) {
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			ended := a.Ended() // before the check, so that none is missed
			if check() != nil {
				cut()
				return
			}
			select {
			case <-ended:
			case <-done:
				return
			}
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		watch.Wait()
	})
}
