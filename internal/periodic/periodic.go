// Package periodic runs a function again and again: at intervals, when the function
// itself says, or when it is woken.
package periodic

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/requestid"
	"github.com/left4me/left4me/internal/sleep"
)

// Schedule says when a function runs. One of Every and Next has to be set.
type Schedule struct {
	// Every is the time from one start to the next. A run that takes longer delays the
	// next one; runs that are missed meanwhile are one.
	Every time.Duration
	// Next is used instead of Every: it is called after each run, and before the first
	// one without AtOnce, and says how long to wait from then on.
	Next func() time.Duration
	// AtOnce makes the first run when Run is called.
	AtOnce bool
	// Wake makes a run before its time. Its sender owns it and doesn't close it; with
	// room for one, what is sent during a run makes one run afterwards.
	Wake <-chan struct{}
	// Pause is the least time from the end of a run to the start of the next, however
	// often the function is woken.
	Pause time.Duration
}

// Run calls do as the schedule says until ctx ends, and returns when do has returned.
// do gets ctx, with an id of the run for the log unless ctx has one, is never called twice at a time nor after ctx has ended, and runs on
// the goroutine of the caller, where a panic ends Run.
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
