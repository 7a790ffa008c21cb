package agent

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// maxHold is the longest time that a start may occupy its place in the queue. A game that hangs
// during its start must not delay the others for its whole deadline.
const maxHold = 30 * time.Second

// maxConcurrentStarts returns how many servers may start at the same time on this machine. A start is
// limited by the processors: systemd reads the mount table many times for each sandbox, and the
// game loads its map. Starting all servers at once would take longer than starting them one after
// the other, and would exceed their deadlines.
func maxConcurrentStarts() int { return max(4, 2*runtime.NumCPU()) }

// startQueue limits the number of concurrent operations. Callers wait in order of arrival.
type startQueue chan struct{}

func newStartQueue(n int) startQueue { return make(startQueue, n) }

// acquire waits for a place, which the caller returns by calling give. It calls waits first if no
// place is free. A place is returned automatically after maxHold.
func (q startQueue) acquire(ctx context.Context, waits func()) (give func(), err error) {
	select {
	case q <- struct{}{}:
	default:
		waits()
		select {
		case q <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	free := sync.OnceFunc(func() { <-q })
	late := time.AfterFunc(maxHold, free)
	return func() { late.Stop(); free() }, nil
}
