// Package rolloutrules has the rules that rollouts of builds and of revisions share:
// when a server may be restarted for one, and how its restart ended. It decides and
// restarts nothing itself.
package rolloutrules

import (
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Mode says when servers move over: Never, Now, Empty or an hour of the day as
// HH:MM.
type Mode string

// The modes that are no hour.
const (
	Never Mode = "never" // each when somebody restarts it
	Now   Mode = "now"   // at once
	Empty Mode = "empty" // each when nobody has played on it for a while
)

// window is how long an hour of the day lasts: what could not begin within it,
// because left4me was down, waits for the next day. The hour was chosen because
// nobody plays then.
const window = time.Hour

// ParseMode reads a mode; nothing is Never. Errors: left4me.Invalid for the
// field "restart".
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

// Hour reports whether the mode is an hour of the day.
func (m Mode) Hour() bool { return IsHour(string(m)) }

// IsHour reports whether s is an hour of the day as HH:MM.
func IsHour(s string) bool {
	_, _, err := clock(s)
	return err == nil
}

// clock reads HH:MM.
func clock(s string) (hour, minute int, err error) {
	t, err := time.Parse("15:04", s)
	if err == nil && len(s) != len("15:04") {
		err = fmt.Errorf("%q is no hour", s)
	}
	return t.Hour(), t.Minute(), err
}

// Within reports whether now lies in the window that begins at hhmm each day, in
// now's zone, and when the next one begins. A window that had begun before
// somebody asked doesn't count. Only the wall clock matters: after it was set,
// the answer is as if it had never been different.
func Within(hhmm string, asked, now time.Time) (in bool, next time.Time) {
	hour, minute, err := clock(hhmm)
	if err != nil {
		return false, time.Time{}
	}
	now, asked = now.Round(0), asked.Round(0) // no monotonic readings
	year, month, day := now.Date()
	for d := -1; ; d++ {
		begin := time.Date(year, month, day+d, hour, minute, 0, 0, now.Location())
		if begin.After(now) {
			return in, begin
		}
		in = now.Before(begin.Add(window)) && (begin.After(asked) || asked.After(now))
	}
}
