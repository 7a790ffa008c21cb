// Package sleep waits until a context ends. A time.Sleep or a bare timer would hold
// up whoever waits for the goroutine to end.
package sleep

import (
	"context"
	"time"
)

// For sleeps for d, or until ctx ends: then it returns context.Cause(ctx). It
// returns nil at once when d is not positive and ctx has not ended.
func For(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
