package shim

import "time"

// Policy says how often a server that crashes is started again.
type Policy struct {
	Limit      int           // this many crashes in Window are the end
	Window     time.Duration //
	MinUptime  time.Duration // runs shorter than this count together, however long ago they were
	Backoff    time.Duration // before the first restart; it doubles each time
	MaxBackoff time.Duration
}

var defaultPolicy = Policy{
	Limit: 5, Window: time.Minute, MinUptime: 30 * time.Second,
	Backoff: time.Second, MaxBackoff: 30 * time.Second,
}

// crash is a run that ended badly.
type crash struct {
	at     time.Time
	uptime time.Duration // from ready on; 0 when it never was
}

// action is what to do after a run.
type action struct {
	giveUp bool
	after  time.Duration // else start again after this
}

// next says what to do with a server that crashed; crashes holds all its crashes
// in order, the newest last. A server that takes long to start and then crashes
// is in a loop as well: so crashes outside the window count while no run after
// them has lasted for MinUptime.
func next(p Policy, crashes []crash, now time.Time) action {
	recent, short := 0, true
	for i := len(crashes) - 1; i >= 0; i-- {
		short = short && crashes[i].uptime < p.MinUptime
		if now.Sub(crashes[i].at) > p.Window && !short {
			break
		}
		recent++
	}
	if recent >= p.Limit {
		return action{giveUp: true}
	}
	wait := p.Backoff
	for range recent - 1 {
		wait = min(2*wait, p.MaxBackoff)
	}
	return action{after: wait}
}

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
