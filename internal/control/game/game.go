// Package game is the side of the game itself that people talk to: which build a
// host has, the jobs that install, update and roll it back, and how servers move
// over to another build.
//
// An update never touches a server that runs: it goes on with the build that it
// was started with. A rollout restarts servers when it was said, one first, and
// stops when one doesn't come up. Rollouts and the policy of a host are rows in
// the store, so that they survive the end of left4me.
package game

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

const (
	noun       = "game"
	askWithin  = 4 * time.Second
	pinWithin  = 10 * time.Second
	goodFor    = 5 * time.Second        // an answer of a host
	checkEvery = 10 * time.Second       // for what is due
	pause      = 200 * time.Millisecond // between two checks, however much happens
	quietStart = 5 * time.Minute        // in which nothing is begun that nobody asked for
	remembered = 20                     // jobs on the game that are looked back at
)

// Game is the game on the hosts. It is safe for concurrent use.
type Game struct {
	storage *store.Store
	jobs    *jobs.Jobs
	servers *servers.Servers
	hosts   *hosts.Hosts
	bus     *bus.Bus
	log     *slog.Logger
	now     func() time.Time // in the zone of the host
	quiet   time.Duration
	every   time.Duration // between two checks for what is due

	// turn is held by whoever reads a rollout and writes it.
	turn sync.Mutex

	poke chan struct{} // something is new: look at what is due

	mu       sync.Mutex
	said     map[left4me.Name]answer
	empty    rolloutrules.Since
	watchers map[chan struct{}]bool

	running sync.WaitGroup // what Run began
	ready   chan struct{}
}

// answer is what a host last said, and whether it still does.
type answer struct {
	game    left4me.Game
	at      time.Time // when it was asked for that; zero when it never answered
	asked   time.Time // when it was last asked
	problem error     // why that question was not answered
}

// New makes the use cases of the game. Run must run for anything to happen by
// itself.
func New(storage *store.Store, j *jobs.Jobs, s *servers.Servers, h *hosts.Hosts, b *bus.Bus, log *slog.Logger) *Game {
	g := &Game{
		storage: storage, jobs: j, servers: s, hosts: h, log: log, now: time.Now, quiet: quietStart, every: checkEvery,
		poke: make(chan struct{}, 1), ready: make(chan struct{}),
		said: map[left4me.Name]answer{}, empty: rolloutrules.Since{}, watchers: map[chan struct{}]bool{},
	}
	g.bus = b.Under(&g.running)
	j.OnRetry(noun, g.again)
	return g
}

// View is the game on a host with what happens to it.
type View struct {
	left4me.Game
	Host    left4me.Name
	Known   bool      // the host has said what it has
	At      time.Time // when it said so
	Problem string    // why it can't be asked now; what is here is what it said last
	Job     *left4me.Job
	Rollout *Rollout // the newest one, under way or not
	Policy  Policy
}

// Rollout is a rollout with the servers that it has still to move.
type Rollout struct {
	store.Rollout
	Wishes []Wish
}

// Get returns the game on a host. What the host said a moment ago is taken; one
// that doesn't answer is shown as it was last. Errors: left4me.NotFound when
// there is no such host.
func (g *Game) Get(ctx context.Context, host left4me.Name) (View, error) {
	if err := g.hosts.Known(host); err != nil {
		return View{}, err
	}
	v := View{Host: host}
	var err error
	if v.Job, err = g.job(ctx, host); err != nil {
		return v, err
	}
	a := g.last(host)
	if time.Since(a.asked) > goodFor || a.problem != nil || v.Job != nil && !a.at.After(v.Job.EndedAt) {
		a = g.ask(ctx, host)
	}
	v.Game, v.Known, v.At = a.game, !a.at.IsZero(), a.at
	if e, ok := left4me.Public(a.problem); ok {
		v.Problem = e.Text
	} else if a.problem != nil {
		v.Problem = "the host can't be asked"
	}
	if v.Builds, err = g.builds(ctx, host, v.Builds); err != nil {
		return v, err
	}
	if v.Policy, err = g.Policy(ctx, host); err != nil {
		return v, err
	}
	v.Rollout, err = g.Rollout(ctx, host)
	return v, err
}

// builds are those of a host with the servers that run on each now: what the
// host said of them is older.
func (g *Game) builds(ctx context.Context, host left4me.Name, said []left4me.GameBuild) ([]left4me.GameBuild, error) {
	all, err := g.servers.List(ctx)
	if err != nil {
		return nil, err
	}
	now := slices.Clone(said)
	for i := range now {
		now[i].Servers = nil
		for _, v := range all {
			if v.Host == host && v.Status.State.Up() && v.Status.Build == now[i].Build {
				now[i].Servers = append(now[i].Servers, v.Name)
			}
		}
	}
	return now, nil
}

// Said returns what a host said last, or false when it never said anything.
func (g *Game) Said(host left4me.Name) (left4me.Game, bool) {
	a := g.last(host)
	return a.game, !a.at.IsZero()
}

// job is the one under way on the game of a host, or the latest; nil when there
// never was one.
func (g *Game) job(ctx context.Context, host left4me.Name) (*left4me.Job, error) {
	active, err := g.jobs.Active(ctx, noun)
	if err != nil {
		return nil, err
	}
	if j, ok := active[host]; ok {
		return &j, nil
	}
	last, err := g.jobs.List(ctx, noun, host, 1)
	if err != nil || len(last) == 0 {
		return nil, err
	}
	j, err := g.jobs.Get(ctx, last[0].ID) // the list has no logs
	return &j, err
}

// Request is what a job on the game is asked for with.
type Request struct {
	Build   int64 // of a rollback; 0 is the build before
	Restart Mode  // how servers move over when it is done
}

// Act asks for a job on the game of a host: left4me.InstallGame and its like.
// One that does the same and is under way is returned as it is. Errors:
// left4me.NotFound when there is no such host, left4me.Conflict,
// left4me.Invalid with the field.
func (g *Game) Act(ctx context.Context, by left4me.Actor, kind left4me.JobKind, host left4me.Name, r Request) (left4me.Job, error) {
	if err := g.hosts.Known(host); err != nil {
		return left4me.Job{}, err
	}
	mode, err := rolloutrules.ParseMode(string(r.Restart))
	if err != nil {
		return left4me.Job{}, err
	}
	if err := g.sensible(kind, host, r, mode); err != nil {
		return left4me.Job{}, err
	}
	// Held over both, so that the end of the job is never seen before its
	// rollout.
	g.turn.Lock()
	defer g.turn.Unlock()
	j, err := g.jobs.Add(ctx, by, kind, host, host, left4me.GameSpec{Build: r.Build})
	if err != nil || mode == Never {
		return j, err
	}
	now := g.now().UTC().Truncate(time.Millisecond)
	err = g.storage.Game().SetRollout(context.WithoutCancel(ctx),
		store.Rollout{Host: host, Mode: string(mode), Job: j.ID, State: Waiting, By: by, CreatedAt: now})
	g.changed()
	return j, err
}

// sensible refuses what can be seen to make no sense from here; the host has the
// last word.
func (g *Game) sensible(kind left4me.JobKind, host left4me.Name, r Request, mode Mode) error {
	a := g.last(host)
	switch {
	case kind.Noun() != noun || kind.Verb() == "":
		return left4me.NewError(left4me.Invalid, "game.no_such_job", "kind", kind)
	case r.Build != 0 && kind != left4me.RollbackGame:
		return left4me.NewError(left4me.Invalid, "game.build_not_for_job").InField("build")
	case r.Build < 0:
		return left4me.NewError(left4me.Invalid, "game.build_invalid", "build", r.Build).InField("build")
	case mode != Never && (kind == left4me.CheckGame || kind == left4me.FlattenGame):
		return left4me.NewError(left4me.Invalid, "game.no_rollout_of_job", "kind", kind.Verb()).InField("restart")
	case !a.at.IsZero() && a.game.Pinned && kind == left4me.UpdateGame:
		return left4me.NewError(left4me.Conflict, "game.build_pinned_on_host", "build", a.game.Current, "host", host)
	}
	return nil
}

// again asks for a job once more, with the rollout that it was asked for with.
func (g *Game) again(ctx context.Context, by left4me.Actor, v store.QueuedJob) (left4me.Job, error) {
	var spec left4me.GameSpec
	if err := json.Unmarshal(v.Spec, &spec); err != nil {
		return left4me.Job{}, fmt.Errorf("retry job %s: %w", v.ID, err)
	}
	r := Request{Build: spec.Build}
	last, err := g.storage.Game().Rollout(ctx, v.Target)
	if err == nil && last.Job == v.ID {
		r.Restart = Mode(last.Mode)
	}
	if err != nil && !errors.Is(err, left4me.NotFound) {
		return left4me.Job{}, err
	}
	return g.Act(ctx, by, v.Kind, v.Target, r)
}

// Pin keeps the current build of a host from being replaced by updates, or lets
// it go. Errors: left4me.NotFound, left4me.Unavailable, left4me.Conflict when
// there is no game.
func (g *Game) Pin(ctx context.Context, by left4me.Actor, host left4me.Name, pinned bool) (View, error) {
	if err := g.hosts.Known(host); err != nil {
		return View{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, pinWithin)
	defer cancel()
	var v left4me.Game
	if err := g.bus.Request(ctx, bus.Command(host, bus.VerbPin), bus.PinRequest{V: bus.Version, Pinned: pinned}, &v); err != nil {
		return View{}, err
	}
	g.keepAnswer(host, v, time.Now()) // a question that was on its way meanwhile may have been answered before
	g.log.InfoContext(ctx, "pin of the game", "host", host, "by", by.String(), "pinned", pinned, "build", v.Current)
	g.changed()
	return g.Get(ctx, host)
}

// Watch tells when anything that Get returns may be new. Several changes while
// the caller is busy are one. The subscription begins with the call and ends with
// ctx, also when nobody ranges over the result, which can be done once.
func (g *Game) Watch(ctx context.Context) iter.Seq[struct{}] {
	c := make(chan struct{}, 1)
	g.mu.Lock()
	g.watchers[c] = true
	g.mu.Unlock()
	forget := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.watchers, c)
	}
	stop := context.AfterFunc(ctx, forget)
	return func(yield func(struct{}) bool) {
		defer forget()
		defer stop()
		for {
			select {
			case <-c:
			case <-ctx.Done():
				return
			}
			if !yield(struct{}{}) {
				return
			}
		}
	}
}

// Watchers is how many subscriptions there are.
func (g *Game) Watchers() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.watchers)
}

// changed makes run look at what is due and then tell the watchers. It never
// waits.
func (g *Game) changed() { wake(g.poke) }

func (g *Game) tell() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.watchers {
		wake(c)
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (g *Game) last(host left4me.Name) answer {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.said[host]
}

// ask asks a host what it has.
func (g *Game) ask(ctx context.Context, host left4me.Name) answer {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var v left4me.Game
	at := time.Now()
	err := g.bus.Request(ctx, bus.Command(host, bus.VerbGame), bus.Empty{V: bus.Version}, &v)
	if err == nil {
		return g.keepAnswer(host, v, at)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.said[host]
	a.problem, a.asked = err, at
	g.said[host] = a
	return a
}

// keepAnswer keeps what a host said, unless it was asked again since, and returns
// the newest.
func (g *Game) keepAnswer(host left4me.Name, v left4me.Game, at time.Time) answer {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a := g.said[host]; a.at.After(at) {
		return a
	}
	a := answer{game: v, at: at, asked: at}
	g.said[host] = a
	g.servers.Starts(host, v.Current)
	return a
}
