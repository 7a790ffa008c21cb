package shim

import "time"

// A verdict is what the watchdog thinks of a server.
type verdict int

const (
	answers verdict = iota
	silent          // shown to people
	hangs           // a crash
)

// mapTime is how long a map may load without an answer.
const mapTime = time.Minute

// judge says how a server is that answered last at the time answered and printed
// at the time loading that it loads a map (zero: it didn't since it answered).
func judge(watchdog time.Duration, answered, loading, now time.Time) verdict {
	quiet := now.Sub(answered)
	switch {
	case watchdog <= 0 || quiet < watchdog/2:
		return answers
	case loading.After(answered) && now.Sub(loading) < mapTime:
		return answers
	case quiet < watchdog:
		return silent
	}
	return hangs
}
