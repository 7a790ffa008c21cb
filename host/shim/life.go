package shim

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/host/slim"
)

// The stop sequence: how long the game has after quit, and after SIGINT.
const (
	quitTime      = 10 * time.Second
	interruptTime = 5 * time.Second
)

// slimEvery is how often a shim gives back memory: the runtime touches much of
// the program now and then.
const slimEvery = time.Minute

// round is one run of the game, from its start to its end.
type round struct {
	*game
	network  chan network   // what it said of its socket; the newest
	answered chan time.Time // to a query
	loading  atomic.Int64   // since when it loads a map, in Unix nanoseconds; 0 when it answered since
	readyAt  time.Time
}

// ending is how a round ended: stopped, by itself, crashed, or failed for good.
type ending struct {
	crashed bool
	exit    string // "signal: segmentation fault"
	signal  string // "SIGSEGV"
	err     error  // it failed for good
}

// live runs the game, and again after a crash, until it is asked to end.
func (s *shim) live(ctx context.Context) error {
	for ctx.Err() == nil {
		r, err := s.launch()
		if err != nil {
			return err
		}
		end := s.attend(ctx, r)
		s.game.Store(nil)
		if !end.crashed {
			return end.err
		}
		wait, err := s.crashed(r, end)
		if err != nil {
			return err
		}
		rest(ctx, wait)
	}
	return nil
}

func (s *shim) launch() (*round, error) {
	r := &round{network: make(chan network, 1), answered: make(chan time.Time)}
	s.say("starts on port %d", s.env.Port)
	var err error
	if r.game, err = s.keeper.startGame(s.Root.Merged(s.Name), s.env.Args, s.console, r.seen); err != nil {
		return nil, err
	}
	s.game.Store(r.game)
	s.board.set(func(st *Status) {
		st.State, st.Reason, st.PID, st.StartedAt = left4me.Starting, "", r.proc.Pid, r.started.UTC()
	})
	s.notify.send("STATUS=starting on port " + fmt.Sprint(s.env.Port))
	return r, nil
}

// seen takes a line of the console while it is read.
func (r *round) seen(line []byte) {
	line = unmark(line)
	if n, ok := parseNetwork(line); ok {
		select {
		case <-r.network:
		default:
		}
		r.network <- n // this is the only one who writes to it
	}
	if loadsMap(line) {
		r.loading.CompareAndSwap(0, time.Now().UnixNano())
	}
}

// attend watches a game until it has ended, and ends it when it has to.
func (s *shim) attend(ctx context.Context, r *round) ending {
	quiet := func() {}
	defer func() { quiet() }()
	ask := func(target string) {
		quiet()
		probing, cancel := context.WithCancel(context.Background())
		quiet = cancel
		s.serving.Go(func() { probe(probing, target, s.patrol(), r.answered) })
	}
	ask(network{}.target(s.env.Port))
	late := time.NewTimer(s.env.Ready)
	defer late.Stop()
	look := time.NewTicker(max(s.patrol()/2, 100*time.Millisecond))
	defer look.Stop()
	var last time.Time // answer
	for {
		select {
		case <-ctx.Done():
			s.end(r.game)
			return ending{}
		case <-r.done:
			return s.ended(ctx, r)
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
			s.show(left4me.Running, "")
			if last.Sub(s.slimmed) >= slimEvery {
				s.slimmed = last
				slim.Process()
			}
		case <-late.C:
			text := fmt.Sprintf("it did not answer on port %d within %v", s.env.Port, s.env.Ready)
			if !s.ready {
				return s.fail(r, &left4me.Error{Kind: left4me.Unavailable, Text: text, Hint: "read its console; perhaps its map does not exist"})
			}
			return s.kill(r, text)
		case now := <-look.C:
			if r.readyAt.IsZero() {
				continue
			}
			switch judge(s.env.Watchdog, last, unixTime(r.loading.Load()), now) {
			case silent:
				s.show(left4me.Unresponsive, "it does not answer")
			case hangs:
				return s.kill(r, fmt.Sprintf("no answer for %v", s.env.Watchdog))
			}
		}
	}
}

// patrol is how often a server that runs is asked whether it answers.
func (s *shim) patrol() time.Duration {
	if s.env.Watchdog <= 0 {
		return maxPatrol
	}
	return min(max(s.env.Watchdog/8, 100*time.Millisecond), maxPatrol)
}

// show puts the state on the board when it is another.
func (s *shim) show(state left4me.ServerState, reason string) {
	if s.board.get().State == state {
		return
	}
	s.board.set(func(st *Status) { st.State, st.Reason, st.Port = state, reason, s.env.Port })
	if state == left4me.Running {
		s.notify.send("READY=1", fmt.Sprintf("STATUS=running on port %d", s.env.Port))
	} else {
		s.notify.send("STATUS=" + reason)
	}
}

// end runs the stop sequence.
func (s *shim) end(g *game) {
	s.board.set(func(st *Status) { st.State, st.Reason = left4me.Stopping, "" })
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

// within reports whether a game ends in that time.
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

// ended is the end of a game that nobody asked for.
func (s *shim) ended(ctx context.Context, r *round) ending {
	exit, sig, clean := r.end()
	switch {
	case ctx.Err() != nil:
		return ending{}
	case !clean:
		return ending{crashed: true, exit: exit, signal: sig}
	case r.readyAt.IsZero():
		return ending{err: &left4me.Error{Kind: left4me.Unavailable, Text: "it ended by itself before it was ready", Hint: "read its console"}}
	}
	s.say("it ended by itself")
	return ending{}
}

// fail ends a game at once, for good.
func (s *shim) fail(r *round, err error) ending {
	r.signal(syscall.SIGKILL)
	<-r.done
	s.say("it was ended: %v", err)
	return ending{err: err}
}

// kill ends a game that is no better than one that crashed.
func (s *shim) kill(r *round, why string) ending {
	r.signal(syscall.SIGKILL)
	<-r.done
	return ending{crashed: true, exit: why}
}

// crashed writes down a crash and says how long to wait before the next start.
func (s *shim) crashed(r *round, end ending) (time.Duration, error) {
	at := now()
	record := crashRecord{
		At: at, Exit: end.exit, Signal: end.signal, Uptime: at.Sub(r.started),
		Lines: texts(s.console.last(crashLines, r.begin)),
	}
	if err := writeCrash(s.logs, record); err != nil {
		s.say("the crash could not be written down: %v", err)
	}
	c := crash{at: at}
	if !r.readyAt.IsZero() {
		c.uptime = at.Sub(r.readyAt)
	}
	s.crashes = append(s.crashes, c)
	s.crashes = s.crashes[max(0, len(s.crashes)-s.Policy.Limit):]
	todo := next(s.Policy, s.crashes, at)
	if todo.giveUp {
		s.say("it crashed (%s) for the %d. time: no further start", end.exit, s.Policy.Limit)
		return 0, &left4me.Error{
			Kind: left4me.Unavailable, Text: fmt.Sprintf("it crashed %d times in a row, the last time: %s", s.Policy.Limit, end.exit),
			Hint: "read its console and its crashes, then start it again",
		}
	}
	s.say("it crashed (%s); next start in %v", end.exit, todo.after)
	s.board.set(func(st *Status) {
		st.State, st.Reason, st.PID, st.Port = left4me.Starting, "it crashed ("+end.exit+") and starts again", 0, 0
		st.LastExit, st.LastEnd = end.exit, at
		st.Restarts++
	})
	s.notify.send("STATUS=crashed (" + end.exit + "), starts again")
	return todo.after, nil
}

func wrongPort(s *shim, got int) error {
	who := "another program"
	if p, ok := portHolder(s.env.Port); ok {
		who = p.describe(s.Root)
	}
	return &left4me.Error{
		Kind: left4me.Conflict, Field: "port",
		Text: fmt.Sprintf("the game took port %d because port %d is used by %s", got, s.env.Port, who),
		Hint: "choose another port or stop it",
	}
}

func unixTime(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}

func now() time.Time { return time.Now().UTC() }
