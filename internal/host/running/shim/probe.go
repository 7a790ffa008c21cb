package shim

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/sleep"
	"github.com/left4me/left4me/source/a2s"
)

// Intervals between queries to a server: increasing while it starts, constant once it runs. The game
// ignores queries of clients that send more than three per second, but it receives none before the map
// is loaded.
const (
	firstAsk   = 25 * time.Millisecond
	slowestAsk = time.Second
	maxPatrol  = 10 * time.Second
)

// probe queries a server until ctx ends and sends the time of each answer on the channel answers. After
// the first answer it queries at the interval patrol.
func probe(ctx context.Context, target string, patrol time.Duration, answers chan<- time.Time) {
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
			case answers <- time.Now():
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
