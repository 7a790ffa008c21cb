package shim

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/sleep"
	"github.com/left4me/left4me/source/a2s"
)

// How often a server is asked whether it answers: more and more seldom while it
// starts, steadily when it runs. The game drops queries of those who ask more
// than three times a second, but it takes none at all before its map is there.
const (
	firstAsk   = 25 * time.Millisecond
	slowestAsk = time.Second
	maxPatrol  = 10 * time.Second
)

// probe asks a server whether it answers until ctx ends, and tells each time
// that it did. After the first answer it asks every patrol.
func probe(ctx context.Context, target string, patrol time.Duration, told chan<- time.Time) {
	client, err := a2s.Dial(ctx, target)
	if err != nil {
		return
	}
	defer client.Close()
	ready := false
	for wait := firstAsk; ctx.Err() == nil; {
		limit, begun := wait, time.Now()
		if ready {
			limit = min(patrol, a2s.DefaultTimeout)
		}
		asking, cancel := context.WithTimeout(ctx, limit)
		_, err := client.Info(asking)
		cancel()
		if err == nil {
			ready = true
			select {
			case told <- time.Now():
			case <-ctx.Done():
				return
			}
		}
		if ready {
			wait = patrol
			if err != nil {
				wait = min(patrol, slowestAsk)
			}
		} else {
			wait = min(wait+wait/4, slowestAsk)
		}
		_ = sleep.For(ctx, wait-time.Since(begun))
	}
}
