package steamcmd

import (
	"cmp"
	"time"
)

// Limits are the time limits of SteamCMD. Zero values mean the defaults.
type Limits struct {
	Silence time.Duration // longest time without output; default: 10 minutes
	Whole   time.Duration // all attempts together; default: 12 hours
	Pause   time.Duration // before the second attempt, doubled after each attempt; default: 15 seconds
	Tries   int           // attempts at a run that may succeed later; default: 5
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Silence: cmp.Or(l.Silence, 10*time.Minute),
		Whole:   cmp.Or(l.Whole, 12*time.Hour),
		Pause:   cmp.Or(l.Pause, 15*time.Second),
		Tries:   cmp.Or(l.Tries, 5),
	}
}
