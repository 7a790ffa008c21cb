package shim

import "time"

// A verdict is the watchdog's assessment of a server.
type verdict int

const (
	answers verdict = iota
	silent          // shown to users as unresponsive
	hangs           // treated as a crash
)

// mapTime is how long loading a map may take without a query answer.
const mapTime = time.Minute

// judge assesses a server. answered is the time of its last answer; loading is when it reported that it
// loads a map, zero if it hasn't since that answer.
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
