package shim

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/left4me/left4me/internal/host/running/memtrim"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

// stopTimeouts returns how long the stop sequence waits after quit and after SIGINT. A game that never
// answered has no players, and doesn't read its console while it loads the map. It gets little time, so
// that a cancelled start ends within 5 s.
func (c Config) stopTimeouts(ready bool) (quit, interrupt time.Duration) {
	if !ready {
		return time.Second, 500 * time.Millisecond
	}
	return cmp.Or(c.QuitTime, 10*time.Second), cmp.Or(c.InterruptTime, 5*time.Second)
}

// trimInterval is how often a shim releases memory: the Go runtime touches large parts of the program now and then.
const trimInterval = time.Minute

// gameRun is one run of the game, from its start to its end.
type gameRun struct {
	*game
	first    string         // the first map
	noMap    chan struct{}  // receives a value if that map doesn't exist
	network  chan network   // the network address from the console, newest only
	answered chan time.Time // the time of each query answer
	loading  atomic.Int64   // start of the current map load in Unix nanoseconds; 0 after an answer
	readyAt  time.Time
}

// ending describes the end of a run: stopped, failed permanently, crashed, or exited without a stop
// request.
type ending struct {
	restart bool   // the game crashed or exited without a stop request
	clean   bool   // the game exited without a stop request, with status 0
	exit    string // "signal: segmentation fault"
	signal  string // "SIGSEGV"
	err     error  // reason of a permanent failure
}

// runGames runs the game until a stop is requested, and restarts it when it crashes or exits.
func (s *shim) runGames(ctx context.Context) error {
	for ctx.Err() == nil {
		r, err := s.launch()
		if err != nil {
			return err
		}
		end := s.monitor(ctx, r)
		s.game.Store(nil)
		if !end.restart {
			return end.err
		}
		wait, err := s.nextStart(r, end)
		if err != nil {
			return err
		}
		_ = sleep.For(ctx, wait)
	}
	return nil
}

func (s *shim) launch() (*gameRun, error) {
	r := &gameRun{
		first: firstMap(s.env.Args), noMap: make(chan struct{}, 1),
		network: make(chan network, 1), answered: make(chan time.Time),
	}
	s.say("starts on port %d", s.env.Port)
	var err error
	if r.game, err = s.launcher.startGame(s.Root.Merged(s.Name), s.env.Args, s.console, r.inspectLine); err != nil {
		return nil, err
	}
	s.game.Store(r.game)
	s.board.set(func(st *Status) {
		st.State, st.PID, st.StartedAt = left4me.Starting, r.proc.Pid, r.started.UTC()
		st.explain(nil)
	})
	s.notify.send("STATUS=starting on port " + fmt.Sprint(s.env.Port))
	return r, nil
}

// inspectLine inspects each console line as it is read.
func (r *gameRun) inspectLine(line []byte) {
	line = unmark(line)
	if n, ok := parseNetwork(line); ok {
		select {
		case <-r.network:
		default:
		}
		r.network <- n // never blocks: this is the only sender
	}
	if failsToLoad(line, r.first) {
		select {
		case r.noMap <- struct{}{}:
		default:
		}
	}
	if loadsMap(line) {
		r.loading.CompareAndSwap(0, time.Now().UnixNano())
	}
}

// monitor watches a game until it has ended, and ends it when a stop is requested or the game fails.
func (s *shim) monitor(ctx context.Context, r *gameRun) ending {
	stopProbe := func() {}
	defer func() { stopProbe() }()
	ask := func(target string) {
		stopProbe()
		probing, cancel := context.WithCancel(context.Background())
		stopProbe = cancel
		s.serving.Go(func() { probe(probing, target, s.patrol(), r.answered) })
	}
	ask(network{}.target(s.env.Port))
	late := time.NewTimer(s.env.Ready)
	defer late.Stop()
	check := time.NewTicker(max(s.patrol()/2, 100*time.Millisecond))
	defer check.Stop()
	var last time.Time // time of the last answer
	for {
		select {
		case <-ctx.Done():
			s.end(r)
			return ending{}
		case <-r.done:
			return s.ended(ctx, r)
		case <-r.noMap:
			if r.readyAt.IsZero() { // after the start, a user's command causes the same line
				return s.fail(r, noFirstMap(s.Name, r.first))
			}
		case n := <-r.network:
			if n.port != s.env.Port {
				return s.fail(r, wrongPort(s, n.port))
			}
			if r.readyAt.IsZero() && n.target(s.env.Port) != (network{}).target(s.env.Port) {
				ask(n.target(s.env.Port))
			}
		case last = <-r.answered:
			r.loading.Store(0)
			if r.readyAt.IsZero() {
				if err := ownPort(s.Root, s.env.Port, r.proc.Pid); err != nil {
					return s.fail(r, err)
				}
				r.readyAt = last
				late.Stop()
				s.ready = true
				s.say("ready after %v", last.Sub(r.started).Round(time.Millisecond))
			}
			s.setState(left4me.Running, nil)
			if last.Sub(s.trimmedAt) >= trimInterval {
				s.trimmedAt = last
				memtrim.Process()
			}
		case <-late.C:
			text := fmt.Sprintf("it did not answer on port %d within %v", s.env.Port, s.env.Ready)
			if !s.ready {
				return s.fail(r, left4me.NewError(left4me.Unavailable, "server.no_query_answer", "port", s.env.Port, "within", s.env.Ready))
			}
			return s.kill(r, text)
		case now := <-check.C:
			if r.readyAt.IsZero() {
				continue
			}
			switch judge(s.env.Watchdog, last, unixTime(r.loading.Load()), now) {
			case silent:
				s.setState(left4me.Unresponsive, left4me.NewError(left4me.Unavailable, "state.no_answer"))
			case hangs:
				return s.kill(r, fmt.Sprintf("no answer for %v", s.env.Watchdog))
			}
		}
	}
}

// patrol is the interval between queries to a running server.
func (s *shim) patrol() time.Duration {
	if s.env.Watchdog <= 0 {
		return maxPatrol
	}
	return min(max(s.env.Watchdog/8, 100*time.Millisecond), maxPatrol)
}

// setState publishes the state if it has changed.
func (s *shim) setState(state left4me.ServerState, why *left4me.Error) {
	if s.board.get().State == state {
		return
	}
	s.board.set(func(st *Status) {
		st.State, st.Port = state, s.env.Port
		st.explain(why)
	})
	if state == left4me.Running {
		s.notify.send("READY=1", fmt.Sprintf("STATUS=running on port %d", s.env.Port))
	} else {
		s.notify.send("STATUS=" + why.Said())
	}
}

// end runs the stop sequence.
func (s *shim) end(r *gameRun) {
	g := r.game
	quitTime, interruptTime := s.stopTimeouts(!r.readyAt.IsZero())
	s.board.set(func(st *Status) {
		st.State = left4me.Stopping
		st.explain(nil)
	})
	s.notify.send("STOPPING=1")
	s.say("stops: quit")
	s.serving.Go(func() { _ = g.write("quit") })
	if within(g, quitTime) {
		return
	}
	s.say("it did not quit within %v: SIGINT", quitTime)
	g.signal(syscall.SIGINT)
	if within(g, interruptTime) {
		return
	}
	s.say("it did not end within %v: SIGKILL", interruptTime)
	g.signal(syscall.SIGKILL)
	<-g.done
}

// within reports whether a game ends within d.
func within(g *game, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-g.done:
		return true
	case <-t.C:
		return false
	}
}

// ended returns the ending of a game that exited without a stop request.
func (s *shim) ended(ctx context.Context, r *gameRun) ending {
	if ctx.Err() != nil {
		return ending{}
	}
	exit, sig, clean := r.end()
	return ending{restart: true, clean: clean, exit: exit, signal: sig}
}

// fail kills a game and returns a permanent failure.
func (s *shim) fail(r *gameRun, err error) ending {
	r.signal(syscall.SIGKILL)
	<-r.done
	s.say("it was ended: %v", err)
	return ending{err: err}
}

// kill kills a game that counts as crashed.
func (s *shim) kill(r *gameRun, why string) ending {
	r.signal(syscall.SIGKILL)
	<-r.done
	return ending{restart: true, exit: why}
}

func wrongPort(s *shim, got int) error {
	return left4me.NewError(left4me.Conflict, "port.game_took_next", "got", got, "port", s.env.Port, "program",
		holderOf(s.Root, s.env.Port)).InField("port")
}

func unixTime(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}

func now() time.Time { return time.Now().UTC() }
