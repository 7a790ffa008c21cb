package steamcmd

import (
	"cmp"
	"time"
)

// Limits are how long things may take; zero values are the usual ones.
type Limits struct {
	Silence time.Duration // longest time without a word from SteamCMD: 10 minutes
	Whole   time.Duration // of all tries together: 12 hours
	Pause   time.Duration // before the second try; it doubles from try to try: 15 seconds
	Tries   int           // at the same thing, when only time can help: 5
}

func (l Limits) orUsual() Limits {
	return Limits{
		Silence: cmp.Or(l.Silence, 10*time.Minute),
		Whole:   cmp.Or(l.Whole, 12*time.Hour),
		Pause:   cmp.Or(l.Pause, 15*time.Second),
		Tries:   cmp.Or(l.Tries, 5),
	}
}
