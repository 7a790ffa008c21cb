package overlays

import (
	"context"
	"time"
)

// Set replaces the clock and removes the delay before automatic actions.
func (c *Overlays) Set(now func() time.Time) { c.now, c.startDelay = now, 0 }

// OnlyEvents disables watchers and the timer. It must be called before Run.
func (c *Overlays) OnlyEvents() { c.checkInterval, c.wakeup = 24*time.Hour, nil }

// Wake triggers a check of what is due.
func (c *Overlays) Wake() { c.wake(false) }

// Advance continues rollouts in progress.
func (c *Overlays) Advance(ctx context.Context) error { return c.advance(ctx) }

// StartRollouts starts rollouts of new revisions.
func (c *Overlays) StartRollouts(ctx context.Context) error { return c.startRollouts(ctx) }

// StartRolloutsBlocked calls startRollouts while another caller holds rolloutMu, and calls waits
// once it blocks.
func (c *Overlays) StartRolloutsBlocked(ctx context.Context, waits func()) error {
	c.rolloutMu.Lock()
	done := make(chan error, 1)
	go func() { done <- c.startRollouts(ctx) }()
	waits()
	c.rolloutMu.Unlock()
	return <-done
}
