package overlays

import (
	"context"
	"time"
)

// Set replaces the clock, and lets things that nobody asked for begin at once.
func (c *Overlays) Set(now func() time.Time) { c.now, c.quiet = now, 0 }

// OnlyEvents lets neither watchers nor the clock make anything happen. It must be called
// before Run.
func (c *Overlays) OnlyEvents() { c.every, c.poke = 24*time.Hour, nil }

// Wake makes Run look at once.
func (c *Overlays) Wake() { c.wake(false) }

// Advance goes on with restarts that are under way.
func (c *Overlays) Advance(ctx context.Context) error { return c.advance(ctx) }

// Notice begins the restarts for new revisions.
func (c *Overlays) Notice(ctx context.Context) error { return c.notice(ctx) }

// NoticeBehind notices new revisions while somebody else has the turn, who calls
// waits when notice waits for it.
func (c *Overlays) NoticeBehind(ctx context.Context, waits func()) error {
	c.turn.Lock()
	done := make(chan error, 1)
	go func() { done <- c.notice(ctx) }()
	waits()
	c.turn.Unlock()
	return <-done
}
