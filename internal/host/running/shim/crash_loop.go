package shim

import (
	"math"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Policy controls how often a server is restarted after a crash, or after an exit with status 0 that
// left4me didn't request: by _restart, or by quit from a plugin or another RCON client. srcds_run
// restarts after both, too.
type Policy struct {
	Limit      int           // give up after this many ends in Window; a clean exit counts if the run was shorter than Window
	Window     time.Duration // see Limit
	MinUptime  time.Duration // crashes of shorter runs count even outside Window
	Backoff    time.Duration // wait before the first restart; doubles each time
	MaxBackoff time.Duration
}

var defaultPolicy = Policy{
	Limit: 5, Window: time.Minute, MinUptime: 30 * time.Second,
	Backoff: time.Second, MaxBackoff: 30 * time.Second,
}

// run is a run that ended without a stop request.
type run struct {
	crashRecord
	clean bool          // the game exited with status 0
	ready time.Duration // time for which the game was ready; 0 if never
}

// action is the decision after a run ended.
type action struct {
	giveUp bool
	after  time.Duration // otherwise restart after this wait
	count  int           // number of recent ends that count
}

// next decides how to continue after a server ended. runs holds its ends in order, newest last. A
// server that starts slowly and then crashes is in a loop as well, so ends outside the window count
// until a later run has lasted. A clean exit after a run of at least Window doesn't count, nor do the
// ends before it.
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

// nextStart returns the wait before the next start and records a crash. A clean exit is recorded as a crash
// only if there are too many of them.
func (s *shim) nextStart(r *gameRun, end ending) (time.Duration, error) {
	at := now()
	last := run{clean: end.clean, crashRecord: crashRecord{
		At: at, Exit: end.exit, Signal: end.signal, Uptime: at.Sub(r.started),
		Lines: validUTF8(s.console.last(crashLines, r.begin)),
	}}
	if !r.readyAt.IsZero() {
		last.ready = at.Sub(r.readyAt)
	}
	s.runs = append(s.runs, last)
	s.runs = s.runs[max(0, len(s.runs)-s.Policy.Limit):]
	todo := next(s.Policy, s.runs, at)
	if !end.clean {
		s.recordCrash(last)
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

// giveUp returns the error for a server that isn't restarted, and records the clean exits that led to
// it.
func (s *shim) giveUp(runs []run) error {
	clean := 0
	for _, r := range runs {
		if r.clean {
			clean++
			s.recordCrash(r)
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

func (s *shim) recordCrash(r run) {
	if err := writeCrash(s.logs, r.crashRecord); err != nil {
		s.say("the crash could not be written down: %v", err)
	}
}
