package accounts

import "sync"

// ends wakes goroutines that wait for the end of a session or token.
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

func (e *ends) wake() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.next != nil {
		close(e.next)
		e.next = nil
	}
}

// Ended returns a channel that is closed when any session or token ends before it expires. An event
// stream calls Ended first, then checks its own session or token, and repeats both when the channel
// is closed. It thus ends at once and misses no end.
func (a *Accounts) Ended() <-chan struct{} { return a.ends.wait() }

// Cut watches a response in progress, such as a download. It calls cut once if check fails
// after a session or token has ended. stop ends the watch and returns when cut can no longer
// be called.
func (a *Accounts) Cut(check func() error, cut func()) (stop func()) {
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			ended := a.Ended() // taken before the check, so that no end is missed
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
