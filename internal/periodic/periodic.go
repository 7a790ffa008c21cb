// Package periodic runs a function repeatedly: at intervals, at times that the function chooses, or
// when it is woken.
package periodic

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/requestid"
	"github.com/left4me/left4me/internal/sleep"
)

// Schedule defines when a function runs. Either Every or Next must be set.
type Schedule struct {
	// Every is the time from one start to the next. A run that takes longer delays the next; the
	// runs missed in the meantime are combined into one.
	Every time.Duration
	// Next is used instead of Every and returns the time to wait for the next run. It is called
	// after each run, and before the first one unless AtOnce is set.
	Next func() time.Duration
	// AtOnce starts the first run immediately.
	AtOnce bool
	// Wake starts a run early. The sender owns the channel and must not close it. With a capacity
	// of 1, values sent during a run cause one further run.
	Wake <-chan struct{}
	// Pause is the minimum time from the end of a run to the start of the next, no matter how often
	// the function is woken.
	Pause time.Duration
}

// Run calls do as scheduled until ctx ends, and returns once do has returned. It passes ctx with a
// new request id for the log, unless ctx has one. Calls of do never overlap and never start after
// ctx has ended. They run on the caller's goroutine, so a panic in do ends Run.
func Run(ctx context.Context, s Schedule, do func(context.Context)) {
	var due <-chan time.Time
	if s.Next == nil {
		tick := time.NewTicker(s.Every)
		defer tick.Stop()
		due = tick.C
	}
	for waited := s.AtOnce; ; waited = true {
		if ctx.Err() != nil {
			return
		}
		if waited {
			do(requestid.Ensure(ctx))
			if sleep.For(ctx, s.Pause) != nil {
				return
			}
		}
		if s.Next != nil {
			due = time.After(s.Next())
		}
		select {
		case <-due:
		case <-s.Wake:
		case <-ctx.Done():
		}
	}
}
