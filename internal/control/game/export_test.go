package game

import "time"

// Set replaces the clock, and lets things that nobody asked for begin at once.
func (g *Game) Set(now func() time.Time) { g.now, g.quiet = now, 0 }

// StopClock lets nothing happen only because time passes. It must be called before Run.
func (g *Game) StopClock() { g.every = 24 * time.Hour }
