package shim

import "time"

// Policy says how often a server is started again that crashed, or that ended by
// itself with exit status 0: by _restart, by quit from a plugin or from another
// RCON client. srcds_run starts it after either, too.
type Policy struct {
	Limit      int           // this many in Window are the end; a clean end counts when the run was shorter than Window
	Window     time.Duration //
	MinUptime  time.Duration // crashes of runs shorter than this count together, however long ago they were
	Backoff    time.Duration // before the first restart; it doubles each time
	MaxBackoff time.Duration
}

var defaultPolicy = Policy{
	Limit: 5, Window: time.Minute, MinUptime: 30 * time.Second,
	Backoff: time.Second, MaxBackoff: 30 * time.Second,
}

// run is a run that nobody asked to end.
type run struct {
	crashRecord
	clean bool          // it ended with exit status 0
	ready time.Duration // from ready on; 0 when it never was
}

// action is what to do after a run.
type action struct {
	giveUp bool
	after  time.Duration // else start again after this
	count  int           // so many of the last runs count
}

// next says what to do with a server that ended; runs holds its ends in order,
// the newest last. A server that takes long to start and then crashes is in a
// loop as well: so ends outside the window count while no run after them has
// lasted. A clean end of a run that lasted for Window is none to count, and none
// before it counts.
func next(p Policy, runs []run, now time.Time) action {
	todo, short := action{after: p.Backoff}, true
	for i := len(runs) - 1; i >= 0; i-- {
		r := runs[i]
		if r.clean && r.Uptime >= p.Window {
			break
		}
		short = short && (r.clean || r.ready < p.MinUptime)
		if now.Sub(r.At) > p.Window && !short {
			break
		}
		todo.count++
		if todo.count > 1 {
			todo.after = min(2*todo.after, p.MaxBackoff)
		}
	}
	todo.giveUp = todo.count >= p.Limit
	return todo
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
