// Package bulk starts, stops and restarts several servers: all together, each once it is empty, or one
// after another. A bulk action is stored in the database, so it continues after a restart of left4me.
package bulk

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
	"github.com/left4me/left4me/internal/store"
)

// Mode selects the time and order in which a bulk action is applied to its servers.
type Mode string

// The modes. With Empty and OneByOne, the next server follows only once the previous one is ready or
// stopped, and a failure ends the bulk action.
const (
	Now      Mode = "now"        // all at once
	Empty    Mode = "empty"      // each server once it has had no players for a minute
	OneByOne Mode = "one-by-one" // one after another, servers with the fewest players first
)

// Kinds lists the kinds of jobs that a bulk action may consist of.
var Kinds = []left4me.JobKind{left4me.StartServer, left4me.StopServer, left4me.RestartServer}

// ModesOf returns the modes in which servers can be started, stopped or restarted.
func ModesOf(kind left4me.JobKind) []Mode {
	if kind == left4me.StartServer {
		return []Mode{Now, OneByOne}
	}
	return []Mode{Now, Empty, OneByOne}
}

// States of a bulk action: Running → Done, Failed or Cancelled.
const (
	Running   = store.BulkRunning
	Done      = "done"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// States of a server in a bulk action: Waiting → Working → Ready, Skipped or Broken.
const (
	Waiting = ""
	Working = rolloutrules.Moving
	Ready   = rolloutrules.Moved
	Skipped = rolloutrules.Left // skipped; Why is the reason
	Broken  = rolloutrules.Broken
)

// Act is a start, stop or restart of several servers, with the current names of the servers.
type Act = store.BulkAct

// Server is a server in a bulk action.
type Server = store.BulkServer

const (
	checkEvery = 10 * time.Second
	pause      = 200 * time.Millisecond // minimum time between two checks
)

// Bulk manages bulk actions. It is safe for concurrent use.
type Bulk struct {
	storage *store.Store
	jobs    *jobs.Jobs
	servers *servers.Servers
	log     *slog.Logger
	now     func() time.Time
	wakeup  chan struct{} // requests a check for due steps

	mu    sync.Mutex // serialises read-modify-write cycles of bulk actions
	empty rolloutrules.Since
}

// New returns a Bulk. Bulk actions make progress only while Run runs.
func New(storage *store.Store, j *jobs.Jobs, s *servers.Servers, log *slog.Logger) *Bulk {
	return &Bulk{storage: storage, jobs: j, servers: s, log: log, now: time.Now, wakeup: make(chan struct{}, 1)}
}

// Watch yields a value whenever a bulk action may have changed, until ctx ends. The sequence may be ranged
// over only once.
func (b *Bulk) Watch(ctx context.Context) iter.Seq[struct{}] {
	return store.Rings(ctx, b.storage.Listen(ctx, "bulk_act"), nil)
}

// Start starts a bulk action on the servers that the request would change; see Plan. Errors: those of
// Plan, left4me.Denied if the actor may operate none of the servers, left4me.Conflict if no server would
// change.
func (b *Bulk) Start(ctx context.Context, who accounts.Actor, r Request) (Act, error) {
	ctx = requestid.Ensure(ctx)
	p, err := b.Plan(ctx, who, r)
	if err != nil {
		return Act{}, err
	}
	now := b.now()
	a := Act{
		ID: string(store.NewID(now)), Kind: r.Kind, Mode: string(r.Mode), State: Running, By: who.Cause(),
		RequestID: requestid.From(ctx), CreatedAt: now.UTC().Truncate(time.Millisecond),
	}
	for _, v := range p.Changed() {
		a.Servers = append(a.Servers, Server{ID: v.ID, Name: v.Name, PID: v.Status.PID})
	}
	if len(a.Servers) == 0 {
		return Act{}, p.nothing()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.storage.BulkActs().Set(ctx, a); err != nil {
		return Act{}, err
	}
	b.log.InfoContext(ctx, "bulk act begins", "act", a.ID, "kind", a.Kind, "mode", a.Mode, "servers", len(a.Servers), "by", a.By.String())
	ctx = context.WithoutCancel(ctx) // the row exists, so the bulk action continues even if the caller gives up
	all, err := b.servers.List(ctx)
	if err == nil {
		b.empty = b.empty.Update(all, now)
		a, err = b.step(ctx, a, all)
	}
	return a, err
}

// List returns the bulk actions on servers that the actor may see, newest first, without other servers.
func (b *Bulk) List(ctx context.Context, who accounts.Actor) ([]Act, error) {
	rows, err := b.storage.BulkActs().List(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	all, err := b.servers.List(ctx)
	if err != nil {
		return nil, err
	}
	return b.shown(ctx, who, rows, all)
}

// Shown returns the acts that who should know of in a list of servers, newest first: those that are
// running, and those that failed on one of these servers, which has not worked since.
func (b *Bulk) Shown(ctx context.Context, who accounts.Actor, all []servers.View) ([]Act, error) {
	rows, err := b.storage.BulkActs().Open(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	acts, err := b.shown(ctx, who, rows, all)
	if err != nil {
		return nil, err
	}
	broken := func(s Server) bool {
		i := slices.IndexFunc(all, func(v servers.View) bool { return v.ID == s.ID })
		return s.State == Broken && i >= 0 && all[i].Failed != nil && all[i].Failed.ID == s.Job
	}
	return slices.DeleteFunc(acts, func(a Act) bool {
		return a.State != Running && (a.State != Failed || !slices.ContainsFunc(a.Servers, broken))
	}), nil
}

// Get returns a bulk action without the servers that the actor may not see. Errors: left4me.NotFound,
// also if the actor may see none of them.
func (b *Bulk) Get(ctx context.Context, who accounts.Actor, id string) (Act, error) {
	all, err := b.List(ctx, who)
	if err != nil {
		return Act{}, err
	}
	if i := slices.IndexFunc(all, func(a Act) bool { return a.ID == id }); i >= 0 {
		return all[i], nil
	}
	return Act{}, left4me.NewError(left4me.NotFound, "bulk.unknown", "act", id)
}

// MayCancel returns nil if the actor may cancel a bulk action, which requires the right to operate each of
// its servers. Errors: left4me.Denied.
func MayCancel(who accounts.Actor, a Act) error {
	for _, s := range a.Servers {
		if err := accounts.Allow(who, accounts.Operate, target(s)); err != nil {
			return err
		}
	}
	return nil
}

// Cancel cancels a bulk action: waiting servers are skipped, and jobs in progress continue. A bulk action
// that has ended is returned unchanged. Errors: left4me.NotFound, left4me.Denied.
func (b *Bulk) Cancel(ctx context.Context, who accounts.Actor, id string) (Act, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.Get(ctx, who, id); err != nil {
		return Act{}, err
	}
	rows, err := b.storage.BulkActs().Running(ctx)
	if err != nil {
		return Act{}, err
	}
	if i := slices.IndexFunc(rows, func(a Act) bool { return a.ID == id }); i >= 0 {
		a := rows[i]
		if err := MayCancel(who, a); err != nil {
			return Act{}, err
		}
		if a, err = b.settle(ctx, a); err != nil {
			return Act{}, err
		}
		a.State, a.CancelledBy, a.EndedAt = Cancelled, who.Name, b.now().UTC().Truncate(time.Millisecond)
		if err := b.storage.BulkActs().Set(ctx, a); err != nil {
			return Act{}, err
		}
		b.log.InfoContext(ctx, "bulk act cancelled", "act", a.ID, "kind", a.Kind, "by", who.Name)
	}
	return b.Get(ctx, who, id)
}

func target(s Server) left4me.Target {
	return left4me.Target{Kind: left4me.ServerTarget, ID: s.ID, Name: string(s.Name)}
}

// shown returns acts as who may read them, with the current names of servers and states of jobs.
func (b *Bulk) shown(ctx context.Context, who accounts.Actor, rows []Act, all []servers.View) ([]Act, error) {
	names := make(map[left4me.ID]left4me.Name, len(all))
	for _, v := range all {
		names[v.ID] = v.Name
	}
	var acts []Act
	for _, a := range rows {
		a, err := b.settle(ctx, a)
		if err != nil {
			return nil, err
		}
		a.Servers = slices.Clone(accounts.Visible(who, a.Servers, target))
		for i, s := range a.Servers {
			if name, ok := names[s.ID]; ok {
				a.Servers[i].Name = name
			}
			a.Servers[i].Why = accounts.ConcealIn(who, target(s), s.Why)
		}
		if len(a.Servers) > 0 {
			acts = append(acts, a)
		}
	}
	return acts, nil
}

// settle records the results of ended jobs.
func (b *Bulk) settle(ctx context.Context, a Act) (Act, error) {
	a.Servers = slices.Clone(a.Servers)
	for i, s := range a.Servers {
		if s.State != Working {
			continue
		}
		j, err := b.jobs.Get(ctx, s.Job)
		switch {
		case errors.Is(err, left4me.NotFound):
			a.Servers[i].State, a.Servers[i].Why = Skipped, left4me.NewError(left4me.NotFound, "bulk.job_removed")
		case err != nil:
			return a, err
		default:
			a.Servers[i] = settled(s, j)
		}
	}
	return a, nil
}

// settled returns a server with the result of its job.
func settled(s Server, j left4me.Job) Server {
	m := rolloutrules.Settle(store.Move{State: s.State}, j)
	s.State = m.State
	if s.State == Broken {
		s.Why = j.Error
	}
	if s.Why == nil {
		switch s.State {
		case Skipped:
			s.Why = left4me.NewError(left4me.Conflict, "bulk.job_cancelled")
		case Broken:
			s.Why = left4me.NewError(left4me.Unavailable, "job.interrupted")
		}
	}
	return s
}
