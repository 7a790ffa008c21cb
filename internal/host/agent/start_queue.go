package agent

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// turnWithin is how long a start may keep the others from theirs. A game that
// hangs while it starts doesn't hold them up for all the time that it is given.
const turnWithin = 30 * time.Second

// startsAtOnce is how many servers start at once on this machine. A start is
// work for processors: systemd reads the table of mounts again and again for each
// sandbox, and the game loads its map. All at once would take longer together
// than one behind the other, and run out of the time that each has.
func startsAtOnce() int { return max(4, 2*runtime.NumCPU()) }

// startQueue bounds how many do something at once. Who came first is first.
type startQueue chan struct{}

func newStartQueue(n int) startQueue { return make(startQueue, n) }

// take waits for a turn, which the caller gives back. When it has to wait it
// calls waits first. A turn that is kept for longer than turnWithin is another's.
func (q startQueue) take(ctx context.Context, waits func()) (give func(), err error) {
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
	late := time.AfterFunc(turnWithin, free)
	return func() { late.Stop(); free() }, nil
}
