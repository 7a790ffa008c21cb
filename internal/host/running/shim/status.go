package shim

import (
	"context"
	"sync"
	"time"
)

// board holds the current status. Watchers learn that it changed, but may miss intermediate changes.
type board struct {
	mu      sync.Mutex
	status  Status
	changed chan struct{} // closed on the next change
}

func newBoard(s Status) *board {
	// A client may hold a revision number of an earlier shim, so numbers must not repeat.
	s.Rev = time.Now().UnixMicro()
	return &board{status: s, changed: make(chan struct{})}
}

func (b *board) set(change func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.status.State
	change(&b.status)
	if b.status.State != before {
		b.status.Since = time.Now().UTC()
	}
	b.status.Rev++
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *board) get() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status
}

// await returns the status as soon as its revision differs from rev, or when ctx ends.
func (b *board) await(ctx context.Context, rev int64) Status {
	for {
		b.mu.Lock()
		s, changed := b.status, b.changed
		b.mu.Unlock()
		if s.Rev != rev {
			return s
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return s
		}
	}
}
