package game

import "time"

// Set replaces the clock and removes the delay before automatic actions.
func (g *Game) Set(now func() time.Time) { g.now, g.startDelay = now, 0 }

// OnlyEvents disables watchers and the timer. It must be called before Run.
func (g *Game) OnlyEvents() { g.checkInterval, g.wakeup = 24*time.Hour, nil }
