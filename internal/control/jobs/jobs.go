// Package jobs keeps the long pieces of work that people ask for: what is
// queued, what runs, how far it is and how it ended.
//
// The row in the store is the truth for people, the message on the bus is what
// makes a host work. A job is sent when nothing else is active for its target;
// a host claims it before it works, and the claim is where one job at a time
// for a target is decided. A crash between any two of these loses nothing and
// doubles nothing: what is active is sent again at start, and what has ended is
// never claimed again.
package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
	"github.com/left4me/left4me/internal/store"
)

// maxAttempts is how often a job may be started before it is interrupted: it ends
// its host each time, or its end can't be reported.
const maxAttempts = 4

// sendAgain is how often what is queued is sent once more, in case the bus did
// not take it the first time. The bus drops what it has.
const sendAgain = time.Minute

// Storage is what jobs need of the store.
type Storage interface {
	Get(ctx context.Context, id left4me.JobID) (store.QueuedJob, error)
	List(ctx context.Context, noun string, target left4me.Name, before left4me.JobID, limit int) ([]store.QueuedJob, error)
	Active(ctx context.Context) ([]store.QueuedJob, error)
	Failed(ctx context.Context, noun string, targets []left4me.Name) ([]store.QueuedJob, error)
	Add(ctx context.Context, v store.QueuedJob, decide func([]store.QueuedJob) (*store.QueuedJob, error)) (store.QueuedJob, error)
	Run(ctx context.Context, id left4me.JobID, now time.Time) (store.QueuedJob, bool, error)
	Step(ctx context.Context, id left4me.JobID, steps []left4me.Step, log []string) error
	End(ctx context.Context, v left4me.Job, dropServer left4me.Name) (left4me.Job, bool, error)
	Cancel(ctx context.Context, id left4me.JobID) (store.QueuedJob, error)
	Autostart(ctx context.Context, v store.QueuedJob, boot string,
		decide func(left4me.Server, []store.QueuedJob) store.Decision) (store.QueuedJob, bool, error)
}

var _ Storage = store.Jobs{}

// Jobs is the list of jobs. It is safe for concurrent use.
type Jobs struct {
	storage Storage
	bus     *bus.Bus
	log     *slog.Logger

	// turn makes what watchers see follow what is written: a step that was read
	// before the end of its job is never told after it.
	turn sync.Mutex

	writing   sync.Mutex // of rows that there was no room for
	unwritten unwritten

	again time.Duration // between sendings of what is queued

	retries map[string]Again // by noun
	shown   Shown

	running sync.WaitGroup // what Run began
	ready   chan struct{}

	mu       sync.Mutex
	watchers map[chan left4me.Job]left4me.JobID // what each one wants; empty is all
}

// New makes the list. Run must run for jobs to move.
func New(storage Storage, b *bus.Bus, log *slog.Logger) *Jobs {
	j := &Jobs{
		storage:  storage,
		log:      log,
		again:    sendAgain,
		ready:    make(chan struct{}),
		retries:  map[string]Again{},
		shown:    func(_ context.Context, _ left4me.Name, e *left4me.Error) *left4me.Error { return e },
		watchers: map[chan left4me.Job]left4me.JobID{},
	}
	j.bus = b.Under(&j.running)
	return j
}

// Add asks for a job; spec is what its host is told, as the kind needs it. When an equal one is active for the target, that one is
// returned instead. A stop, reset or delete cancels a start, restart or build that is
// still under way. On a full disk a server is stopped nevertheless, and the row
// of the job written when there is room. Errors: left4me.Conflict when the target is being deleted,
// left4me.NotFound when there is none, left4me.Invalid when what the host is told is
// too long for the bus.
func (j *Jobs) Add(ctx context.Context, by left4me.Actor, kind left4me.JobKind, target, host left4me.Name, spec any) (left4me.Job, error) {
	asked, err := j.request(ctx, by, kind, target, host, spec)
	if err != nil {
		return left4me.Job{}, err
	}
	j.writeDirect(ctx)
	var plan Plan
	added, err := j.storage.Add(ctx, asked, func(active []store.QueuedJob) (*store.QueuedJob, error) {
		var err error
		plan, err = Decide(asked, active)
		return plan.Instead, err
	})
	if errors.Is(err, left4me.DiskFull) && kind == left4me.StopServer {
		return j.stopDirectly(context.WithoutCancel(ctx), asked, plan.Cancel)
	}
	if err != nil {
		return left4me.Job{}, err
	}
	ctx = context.WithoutCancel(ctx) // it is there now, whether or not the asker waits
	for _, id := range plan.Cancel {
		if _, err := j.Cancel(ctx, id); err != nil {
			j.log.WarnContext(ctx, "cancel what is in the way", "job", id, "err", err) // it is waited for, then
		}
	}
	asks := j.log.With("job", added.ID, "kind", kind, "target", target, "by", by.String())
	if plan.Instead != nil {
		asks.InfoContext(ctx, "job is under way already", "asked for by request", added.RequestID)
	} else {
		asks.InfoContext(requestid.With(ctx, added.RequestID), "job added")
		j.notify(added.Job)
		j.dispatch(ctx, kind.Noun(), added.Target)
	}
	return added.Job, nil
}

// request makes a job that isn't kept yet. Errors: left4me.Invalid when what the
// host is told is too long for the bus.
func (j *Jobs) request(ctx context.Context, by left4me.Actor, kind left4me.JobKind, target, host left4me.Name, spec any,
) (store.QueuedJob, error) {
	told, err := bus.Marshal(spec)
	if err != nil {
		return store.QueuedJob{}, fmt.Errorf("%s on %s: %w", kind, target, err)
	}
	var id left4me.ID
	if sp, ok := spec.(left4me.Spec); ok {
		id = sp.ID // the server that was looked at; the next one of its name is another
	}
	now := time.Now()
	asked := store.QueuedJob{
		Job: left4me.Job{
			ID:        left4me.JobID(store.NewID(now)),
			Kind:      kind,
			Target:    target,
			TargetID:  id,
			Host:      host,
			By:        by,
			CreatedAt: now.UTC().Truncate(time.Millisecond),
			Steps:     []left4me.Step{},
			RequestID: requestid.From(requestid.Ensure(ctx)),
		},
		Spec: told,
	}
	if err := j.bus.Fits(message(asked)); err != nil {
		return store.QueuedJob{}, fmt.Errorf("%s on %s: %w", kind, target, err)
	}
	return asked, nil
}

// Autostart asks for the start of a server that nobody asks for, if decide says
// so, which sees the server's row and the kinds of its active jobs. boot is the
// boot of its host, which is noted with the decision. It reports whether there is
// a job. Errors: left4me.Busy while the row of a stop can't be written yet, which
// decide would not see.
func (j *Jobs) Autostart(ctx context.Context, by left4me.Actor, target, host left4me.Name, spec any, boot string,
	decide func(left4me.Server, []left4me.JobKind) store.Decision,
) (left4me.Job, bool, error) {
	asked, err := j.request(ctx, by, left4me.StartServer, target, host, spec)
	if err != nil {
		return left4me.Job{}, false, err
	}
	j.writeDirect(ctx)
	if len(j.unwritten.all("server", target)) > 0 {
		return left4me.Job{}, false, left4me.NewError(left4me.Busy, "server.stop_not_recorded", "server", target)
	}
	v, added, err := j.storage.Autostart(ctx, asked, boot, func(row left4me.Server, active []store.QueuedJob) store.Decision {
		var kinds []left4me.JobKind
		for _, a := range active {
			kinds = append(kinds, a.Kind)
		}
		return decide(row, kinds)
	})
	if added {
		j.notify(v.Job)
		j.dispatch(context.WithoutCancel(ctx), v.Kind.Noun(), v.Target)
	}
	return v.Job, added, err
}

// Plan is what to do with a request for a job.
type Plan struct {
	Instead *store.QueuedJob // this one is as good
	Cancel  []left4me.JobID  // these are in the way
}

// Decide says what a request for a job means beside the active jobs of the same
// target, oldest first.
func Decide(asked store.QueuedJob, active []store.QueuedJob) (Plan, error) {
	var plan Plan
	for i, a := range active {
		switch {
		case a.Kind == left4me.DeleteServer && asked.Kind != left4me.DeleteServer:
			return Plan{}, left4me.NewError(left4me.Conflict, "server.being_deleted", "server", asked.Target)
		case a.Kind == left4me.DeleteOverlay && asked.Kind == left4me.BuildOverlay:
			return Plan{}, left4me.NewError(left4me.Conflict, "overlay.being_deleted", "overlay", asked.Target)
		case asked.Kind == left4me.RollbackGame && replaces(a.Kind) && !a.Cancelling:
			// Which build is the one before, only its end will tell.
			return Plan{}, left4me.NewError(left4me.Conflict, "game.being_changed", "host", asked.Target)
		case ends(asked.Kind) && begins(a.Kind):
			plan.Cancel = append(plan.Cancel, a.ID)
		}
		// Only the last one matters: start, stop, start is not one start.
		if i == len(active)-1 && equal(asked, a) && !a.Cancelling {
			plan.Instead = &active[i]
		}
	}
	return plan, nil
}

// equal reports whether two jobs on one target do the same. Two starts of a
// server do, whatever its settings were when each was asked for.
func equal(a, b store.QueuedJob) bool {
	return a.Kind == b.Kind && (a.Kind.Noun() == "server" && a.Kind != left4me.DiscardUpper || bytes.Equal(a.Spec, b.Spec))
}

// replaces says which jobs put another build of the game in place.
func replaces(k left4me.JobKind) bool {
	return k == left4me.InstallGame || k == left4me.UpdateGame || k == left4me.VerifyGame
}

// ends and begins say which jobs take a server down and which bring it up; a
// build of an overlay that goes is not waited for either.
func ends(k left4me.JobKind) bool {
	return k == left4me.StopServer || k == left4me.DeleteServer || k == left4me.ResetServer || k == left4me.DeleteOverlay
}

func begins(k left4me.JobKind) bool {
	return k == left4me.StartServer || k == left4me.RestartServer || k == left4me.BuildOverlay
}

// Get returns one job. Errors: left4me.NotFound.
func (j *Jobs) Get(ctx context.Context, id left4me.JobID) (left4me.Job, error) {
	if v, ok := j.unwritten.get(id); ok {
		return v.Job, nil
	}
	v, err := j.storage.Get(ctx, id)
	return v.Job, err
}

// List returns the newest jobs, at most limit (1 to 500), without what they
// printed, which Get returns; those on one target when it isn't empty.
func (j *Jobs) List(ctx context.Context, noun string, target left4me.Name, limit int) ([]left4me.Job, error) {
	return j.Page(ctx, noun, target, "", max(1, min(limit, 500)))
}

// Page is List of jobs older than one that is named, which need not be there; of all
// when it is empty. What is not written yet begins the first page only.
func (j *Jobs) Page(ctx context.Context, noun string, target left4me.Name, before left4me.JobID, limit int) ([]left4me.Job, error) {
	rows, err := j.storage.List(ctx, noun, target, before, limit)
	if err != nil {
		return nil, err
	}
	var all []left4me.Job
	if before == "" {
		for _, d := range j.unwritten.all(noun, target) {
			all = append(all, d.Job)
		}
	}
	for _, r := range rows {
		if _, ok := j.unwritten.get(r.ID); !ok {
			all = append(all, r.Job)
		}
	}
	return all, nil
}

// Active returns the jobs of a noun that are queued or running, by target; of
// several the one that runs or will run next.
func (j *Jobs) Active(ctx context.Context, noun string) (map[left4me.Name]left4me.Job, error) {
	rows, err := j.storage.Active(ctx)
	if err != nil {
		return nil, err
	}
	active := make(map[left4me.Name]left4me.Job, len(rows))
	for _, d := range j.unwritten.all(noun, "") {
		if !d.State.Ended() {
			active[d.Target] = d.Job
		}
	}
	for _, r := range rows {
		if _, ok := active[r.Target]; !ok && r.Kind.Noun() == noun {
			active[r.Target] = r.Job
		}
	}
	return active, nil
}

// Failed returns, of each target whose newest job of a noun failed or was
// interrupted, that job without its log.
func (j *Jobs) Failed(ctx context.Context, noun string, targets []left4me.Name) (map[left4me.Name]left4me.Job, error) {
	rows, err := j.storage.Failed(ctx, noun, targets)
	failed := make(map[left4me.Name]left4me.Job, len(rows))
	for _, r := range rows {
		failed[r.Target] = r.Job
	}
	return failed, err
}

// Cancel stops a job: a queued one ends at once, a running one at the end of
// what it can't interrupt, within seconds. One that has ended is returned as it
// is. Errors: left4me.NotFound.
func (j *Jobs) Cancel(ctx context.Context, id left4me.JobID) (left4me.Job, error) {
	v, err := j.storage.Cancel(ctx, id)
	if err != nil {
		return left4me.Job{}, err
	}
	ctx = context.WithoutCancel(ctx) // what was begun is ended, whether or not the asker waits
	switch v.State {
	case left4me.JobQueued:
		v.State = left4me.JobCancelled
		err = j.end(ctx, v.Job)
	case left4me.JobRunning:
		err = j.bus.Request(ctx, bus.Command(v.Host, bus.VerbCancel), bus.CancelRequest{V: bus.Version, ID: id}, nil)
		if errors.Is(err, left4me.Unavailable) {
			err = nil // it will learn of it when it claims the job again
		}
	}
	return v.Job, err
}

// Again asks for a job once more, as things are now.
type Again func(ctx context.Context, by left4me.Actor, v store.QueuedJob) (left4me.Job, error)

// OnRetry says who knows how to ask again for the jobs of a noun. It must be
// called before Start.
func (j *Jobs) OnRetry(noun string, again Again) { j.retries[noun] = again }

// Shown returns an error of a host with the names that people have for what it names.
type Shown func(ctx context.Context, host left4me.Name, e *left4me.Error) *left4me.Error

// OnFailure says who knows what people call that which the errors of jobs name. It must be
// called before Start; without, they name it as the host does.
func (j *Jobs) OnFailure(shown Shown) { j.shown = shown }

// Retry asks again for a job that failed, was cancelled or was interrupted; it
// is another job. Errors: left4me.NotFound, left4me.Conflict when it is not in
// such a state.
func (j *Jobs) Retry(ctx context.Context, by left4me.Actor, id left4me.JobID) (left4me.Job, error) {
	v, err := j.storage.Get(ctx, id)
	if err != nil {
		return left4me.Job{}, err
	}
	again := j.retries[v.Kind.Noun()]
	switch {
	case !v.State.Ended() || v.State == left4me.JobDone:
		return v.Job, left4me.NewError(left4me.Conflict, "job.not_ended", "job", id, "state", v.State)
	case again == nil:
		return v.Job, left4me.NewError(left4me.Conflict, "job.not_retried", "kind", v.Kind)
	}
	return again(ctx, by, v)
}

// end writes the end of a job, tells the watchers and lets the next one of the
// target go. A job that has ended already stays as it is.
func (j *Jobs) end(ctx context.Context, v left4me.Job) error {
	if v.EndedAt.IsZero() {
		v.EndedAt = time.Now().UTC().Truncate(time.Millisecond)
	}
	var drop left4me.Name
	if v.Kind == left4me.DeleteServer && v.State == left4me.JobDone {
		drop = v.Target
	}
	j.turn.Lock()
	v, ended, err := j.storage.End(ctx, v, drop)
	if ended {
		j.notify(v)
	}
	j.turn.Unlock()
	if ended {
		j.log.InfoContext(ctx, "job ended", "job", v.ID, "kind", v.Kind, "target", v.Target, "state", v.State)
		j.dispatch(ctx, v.Kind.Noun(), v.Target)
	}
	return err
}
