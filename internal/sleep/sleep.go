// Package sleep provides a sleep that a context can interrupt. A time.Sleep or a bare timer would
// delay everything that waits for the end of the goroutine.
package sleep

import (
	"context"
	"time"
)

// For sleeps for d. If ctx ends first, it returns context.Cause(ctx) immediately. It returns nil
// immediately if d is not positive and ctx has not ended.
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
