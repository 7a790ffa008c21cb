package game

import "time"

// Set replaces the clock, and lets things that nobody asked for begin at once.
func (g *Game) Set(now func() time.Time) { g.now, g.quiet = now, 0 }

// OnlyEvents lets neither watchers nor the clock make anything happen. It must be called
// before Run.
func (g *Game) OnlyEvents() { g.every, g.poke = 24*time.Hour, nil }
