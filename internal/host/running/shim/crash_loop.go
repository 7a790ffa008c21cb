package shim

import (
	"math"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

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

// again says how long to wait before the next start, and writes down a crash. A
// clean end is a crash only when there are too many of them.
func (s *shim) again(r *gameRun, end ending) (time.Duration, error) {
	at := now()
	last := run{clean: end.clean, crashRecord: crashRecord{
		At: at, Exit: end.exit, Signal: end.signal, Uptime: at.Sub(r.started),
		Lines: texts(s.console.last(crashLines, r.begin)),
	}}
	if !r.readyAt.IsZero() {
		last.ready = at.Sub(r.readyAt)
	}
	s.runs = append(s.runs, last)
	s.runs = s.runs[max(0, len(s.runs)-s.Policy.Limit):]
	todo := next(s.Policy, s.runs, at)
	if !end.clean {
		s.keep(last)
	}
	if todo.giveUp {
		return 0, s.giveUp(s.runs[len(s.runs)-todo.count:])
	}
	what, why := "ended by itself", left4me.NewError(left4me.Unavailable, "state.ended_and_starts")
	if !end.clean {
		what, why = "crashed", left4me.NewError(left4me.Unavailable, "state.crashed_and_starts", "exit", end.exit)
	}
	s.say("it %s (%s); next start in %v", what, end.exit, todo.after)
	s.board.set(func(st *Status) {
		st.State, st.PID, st.Port = left4me.Starting, 0, 0
		st.explain(why)
		st.LastExit, st.LastEnd = end.exit, at
		st.Restarts++
	})
	s.notify.send("STATUS=" + why.Text)
	return todo.after, nil
}

// giveUp says why there is no further start, and writes down the clean ends that
// led to it.
func (s *shim) giveUp(runs []run) error {
	clean := 0
	for _, r := range runs {
		if r.clean {
			clean++
			s.keep(r)
		}
	}
	var e *left4me.Error
	switch last := runs[len(runs)-1].Exit; clean {
	case 0:
		e = left4me.NewError(left4me.Unavailable, "server.crashed_again_and_again", "count", len(runs), "last", last)
	case len(runs):
		seconds := int(math.Round(s.Policy.Window.Seconds()))
		e = left4me.NewError(left4me.Unavailable, "server.ended_again_and_again", "count", clean, "seconds", seconds, "last", last)
	default:
		e = left4me.NewError(left4me.Unavailable, "server.crashed_or_ended", "count", len(runs), "last", last)
	}
	s.say("no further start: %s", e.Text)
	return e.Because(errGaveUp)
}

func (s *shim) keep(r run) {
	if err := writeCrash(s.logs, r.crashRecord); err != nil {
		s.say("the crash could not be written down: %v", err)
	}
}
