package overlays

import "time"

// Set replaces the clock, and lets things that nobody asked for begin at once.
func (c *Overlays) Set(now func() time.Time) { c.now, c.quiet = now, 0 }

// Wake makes Run look at once.
func (c *Overlays) Wake() { c.wake(false) }
