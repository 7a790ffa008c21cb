// Package game manages the game installation of a host: its builds, the jobs that install, update
// and roll it back, and rollouts of a build to servers.
//
// An update never touches a running server, which keeps the build it was started with. A rollout
// restarts the servers at the requested time, one first, and stops if a server fails to start.
// Rollouts and policies are rows of the store, so they survive a restart of left4me.
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
	noun              = "game"
	askWithin         = 4 * time.Second
	pinWithin         = 10 * time.Second
	answerTTL         = 5 * time.Second        // how long a host's answer is reused
	checkEvery        = 10 * time.Second       // interval for checking what is due
	pause             = 200 * time.Millisecond // minimum time between two checks
	defaultStartDelay = 5 * time.Minute        // delay after a start before anything is done automatically
	pastJobs          = 20                     // number of past jobs that update decisions consider
)

// Game manages the game on all hosts. It is safe for concurrent use.
type Game struct {
	storage       *store.Store
	jobs          *jobs.Jobs
	servers       *servers.Servers
	hosts         *hosts.Hosts
	bus           *bus.Bus
	log           *slog.Logger
	now           func() time.Time // current time in the host's time zone
	startDelay    time.Duration
	checkInterval time.Duration // interval for checking what is due

	// rolloutMu serialises read-modify-write cycles of rollouts.
	rolloutMu sync.Mutex

	wakeup chan struct{} // requests a check of what is due

	mu       sync.Mutex
	answers  map[left4me.Name]answer
	empty    rolloutrules.Since
	watchers map[chan struct{}]bool

	running sync.WaitGroup // goroutines started by Run
	ready   chan struct{}
}

// answer holds the last answer of a host, and the error of the last query.
type answer struct {
	game    left4me.Game
	at      time.Time // when the answered question was asked; zero if the host never answered
	asked   time.Time // when the last question was asked
	problem error     // why the last question failed
}

// New returns the Game of all hosts. Run must run for rollouts and policies.
func New(storage *store.Store, j *jobs.Jobs, s *servers.Servers, h *hosts.Hosts, b *bus.Bus, log *slog.Logger) *Game {
	g := &Game{
		storage: storage, jobs: j, servers: s, hosts: h, log: log, now: time.Now, startDelay: defaultStartDelay, checkInterval: checkEvery,
		wakeup: make(chan struct{}, 1), ready: make(chan struct{}),
		answers: map[left4me.Name]answer{}, empty: rolloutrules.Since{}, watchers: map[chan struct{}]bool{},
	}
	g.bus = b.Under(&g.running)
	j.OnRetry(noun, g.retry)
	return g
}

// View is the game on a host with its current job and rollout.
type View struct {
	left4me.Game
	Host    left4me.Name
	Known   bool      // the host has answered at least once
	At      time.Time // time of that answer
	Problem string    // why the host cannot be queried now; the rest is its last answer
	Job     *left4me.Job
	Rollout *Rollout // the newest rollout, active or ended
	Policy  Policy
}

// Rollout is a rollout with the servers that are still to be restarted.
type Rollout struct {
	store.Rollout
	Wishes []Wish
}

// Get returns the game on a host. It reuses an answer of the last 5 s, and shows the last answer if
// the host doesn't reply. Errors: left4me.NotFound for an unknown host.
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
	if time.Since(a.asked) > answerTTL || a.problem != nil || v.Job != nil && !a.at.After(v.Job.EndedAt) {
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

// builds returns the builds of a host with the servers that run each of them now; the host's own
// list may be outdated.
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

// LastAnswer returns the last answer of a host, or false if it never answered.
func (g *Game) LastAnswer(host left4me.Name) (left4me.Game, bool) {
	a := g.last(host)
	return a.game, !a.at.IsZero()
}

// job returns the active job on the game of a host, or else the latest; nil if there is none.
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
	j, err := g.jobs.Get(ctx, last[0].ID) // List returns no logs
	return &j, err
}

// Request holds the options of a job on the game.
type Request struct {
	Build   int64 // rollback target; 0 is the previous build
	Restart Mode  // when servers are restarted after the job
}

// Act adds a job on the game of a host, such as left4me.InstallGame. If an equal job is active, Act
// returns that one. Errors: left4me.NotFound for an unknown host, left4me.Conflict, left4me.Invalid
// with the field.
func (g *Game) Act(ctx context.Context, by left4me.Actor, kind left4me.JobKind, host left4me.Name, r Request) (left4me.Job, error) {
	if err := g.hosts.Known(host); err != nil {
		return left4me.Job{}, err
	}
	mode, err := rolloutrules.ParseMode(string(r.Restart))
	if err != nil {
		return left4me.Job{}, err
	}
	if err := g.checkRequest(kind, host, r, mode); err != nil {
		return left4me.Job{}, err
	}
	// Hold the lock until the rollout is stored, so that the end of the job is never handled before its
	// rollout exists.
	g.rolloutMu.Lock()
	defer g.rolloutMu.Unlock()
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

// checkRequest refuses requests that are known to be invalid; the host makes the final check.
func (g *Game) checkRequest(kind left4me.JobKind, host left4me.Name, r Request, mode Mode) error {
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

// retry repeats a job together with the rollout it was requested with.
func (g *Game) retry(ctx context.Context, by left4me.Actor, v store.QueuedJob) (left4me.Job, error) {
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

// Pin protects the current build of a host from updates, or removes that protection. Errors:
// left4me.NotFound, left4me.Unavailable, left4me.Conflict if no game is installed.
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
	g.storeAnswer(host, v, time.Now()) // an answer to a question sent before the pin must not replace this one
	g.log.InfoContext(ctx, "pin of the game", "host", host, "by", by.String(), "pinned", pinned, "build", v.Current)
	g.changed()
	return g.Get(ctx, host)
}

// Watch yields a value whenever the result of Get may have changed. Changes while the caller is
// busy are coalesced. The subscription begins with the call and ends with ctx, even if the
// caller never ranges over the result. The sequence may be ranged over only once.
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

// Watchers returns the number of subscriptions.
func (g *Game) Watchers() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.watchers)
}

// changed triggers a check of what is due, which then notifies the watchers. It never blocks.
func (g *Game) changed() { wake(g.wakeup) }

func (g *Game) notifyWatchers() {
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
	return g.answers[host]
}

// ask queries a host for its game.
func (g *Game) ask(ctx context.Context, host left4me.Name) answer {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var v left4me.Game
	at := time.Now()
	err := g.bus.Request(ctx, bus.Command(host, bus.VerbGame), bus.Empty{V: bus.Version}, &v)
	if err == nil {
		return g.storeAnswer(host, v, at)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.answers[host]
	a.problem, a.asked = err, at
	g.answers[host] = a
	return a
}

// storeAnswer stores a host's answer unless it has a newer one, and returns the newest.
func (g *Game) storeAnswer(host left4me.Name, v left4me.Game, at time.Time) answer {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a := g.answers[host]; a.at.After(at) {
		return a
	}
	a := answer{game: v, at: at, asked: at}
	g.answers[host] = a
	g.servers.SetCurrentBuild(host, v.Current)
	return a
}
