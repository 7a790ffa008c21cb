// Package rolloutrules contains the rules that rollouts of game builds and overlay revisions share:
// when a server may be restarted, and how its restart ended. It only decides; it doesn't restart
// anything.
package rolloutrules

import (
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Mode selects the time at which a rollout restarts servers: Never, Now, Empty or a time of day as HH:MM.
type Mode string

// The modes other than a time of day.
const (
	Never Mode = "never" // servers change at their next manual restart
	Now   Mode = "now"   // immediately
	Empty Mode = "empty" // each server once it has had no players for a minute
)

// window is how long after its time of day a rollout may start. If left4me wasn't running within
// the window, the rollout waits for the next day: the time was chosen because nobody plays then.
const window = time.Hour

// ParseMode parses a mode; empty is Never. Errors: left4me.Invalid for the field "restart".
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case "":
		return Never, nil
	case Never, Now, Empty:
		return m, nil
	}
	if !IsHour(s) {
		return "", left4me.NewError(left4me.Invalid, "restart.mode_invalid", "mode", s).InField("restart")
	}
	return Mode(s), nil
}

// Hour reports whether the mode is a time of day.
func (m Mode) Hour() bool { return IsHour(string(m)) }

// IsHour reports whether s is a time of day as HH:MM.
func IsHour(s string) bool {
	_, _, err := clock(s)
	return err == nil
}

// clock parses HH:MM.
func clock(s string) (hour, minute int, err error) {
	t, err := time.Parse("15:04", s)
	if err == nil && len(s) != len("15:04") {
		err = fmt.Errorf("%q is no hour", s)
	}
	return t.Hour(), t.Minute(), err
}

// Within reports whether now lies in the window that begins at hhmm each day, in now's time zone,
// and returns when the next window begins. A window that began before asked doesn't count. Only the
// wall clock is used, so a changed clock takes effect immediately.
func Within(hhmm string, asked, now time.Time) (in bool, next time.Time) {
	hour, minute, err := clock(hhmm)
	if err != nil {
		return false, time.Time{}
	}
	now, asked = now.Round(0), asked.Round(0) // strips the monotonic clock readings
	year, month, day := now.Date()
	for d := -1; ; d++ {
		begin := time.Date(year, month, day+d, hour, minute, 0, 0, now.Location())
		if begin.After(now) {
			return in, begin
		}
		in = now.Before(begin.Add(window)) && (begin.After(asked) || asked.After(now))
	}
}
