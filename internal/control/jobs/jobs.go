// Package jobs manages long-running work that users request: its queue, its progress and its result.
//
// The row in the store is what users see; the message on the bus makes a host work. A job is sent
// when no other is active for its target. The host claims a job before it works on it, and the
// claim ensures that only one job runs per target. A crash between any two of these steps neither
// loses nor repeats a job: active jobs are sent again at start, and a job that has ended cannot be
// claimed again.
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

// maxAttempts is how often a job may be started before it is marked as interrupted. Such a job
// crashes its host each time, or its end cannot be reported.
const maxAttempts = 4

// resendInterval is the interval between resends of queued jobs, in case the bus did not accept
// one. The bus drops duplicates.
const resendInterval = time.Minute

// Storage is the part of the store that jobs use.
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

// Jobs manages jobs. It is safe for concurrent use.
type Jobs struct {
	storage Storage
	bus     *bus.Bus
	log     *slog.Logger

	// notifyMu keeps notifications in the order of writes: a step that was read before the end of
	// its job must not be published after it.
	notifyMu sync.Mutex

	writing   sync.Mutex // serialises writeDirect
	unwritten unwritten

	resendEvery time.Duration // interval between resends of queued jobs

	retries   map[string]RetryFunc // retry functions by noun
	translate ErrorTranslation

	running sync.WaitGroup // goroutines started by Run
	ready   chan struct{}

	mu       sync.Mutex
	watchers map[chan left4me.Job]left4me.JobID // the job of each watcher; empty for all jobs
}

// New returns Jobs on storage and b. Run must run for jobs to be sent and claimed.
func New(storage Storage, b *bus.Bus, log *slog.Logger) *Jobs {
	j := &Jobs{
		storage:     storage,
		log:         log,
		resendEvery: resendInterval,
		ready:       make(chan struct{}),
		retries:     map[string]RetryFunc{},
		translate:   func(_ context.Context, _ left4me.Name, e *left4me.Error) *left4me.Error { return e },
		watchers:    map[chan left4me.Job]left4me.JobID{},
	}
	j.bus = b.Under(&j.running)
	return j
}

// Add adds a job; spec is the payload for its host and depends on kind. If an equal job is active
// for the target, Add returns that one. A stop, reset or delete cancels an active start, restart or
// build. On a full disk a server is stopped nevertheless, and the row of the job is written when
// there is space. Errors: left4me.Conflict if the target is being deleted, left4me.NotFound if it
// does not exist, left4me.Invalid if the payload is too long for the bus.
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
	ctx = context.WithoutCancel(ctx) // the row exists, so the job continues even if the caller gives up
	for _, id := range plan.Cancel {
		if _, err := j.Cancel(ctx, id); err != nil {
			j.log.WarnContext(ctx, "cancel what is in the way", "job", id, "err", err) // the new job then waits for it
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

// request creates a job that isn't stored yet. Errors: left4me.Invalid if the payload is too long
// for the bus.
func (j *Jobs) request(ctx context.Context, by left4me.Actor, kind left4me.JobKind, target, host left4me.Name, spec any,
) (store.QueuedJob, error) {
	payload, err := bus.Marshal(spec)
	if err != nil {
		return store.QueuedJob{}, fmt.Errorf("%s on %s: %w", kind, target, err)
	}
	var id left4me.ID
	if sp, ok := spec.(left4me.Spec); ok {
		id = sp.ID // the id of the server that was read; a later server of the same name has another
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
		Spec: payload,
	}
	if err := j.bus.Fits(message(asked)); err != nil {
		return store.QueuedJob{}, fmt.Errorf("%s on %s: %w", kind, target, err)
	}
	return asked, nil
}

// Autostart adds the start of a server that no user requested, if decide agrees. decide gets the
// server's row and the kinds of its active jobs. boot is the boot id of its host and is saved with
// the decision. Autostart reports whether it added a job. Errors: left4me.Busy while the row of a
// stop is unwritten, because decide would not see it.
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

// Plan describes how to handle a request for a job.
type Plan struct {
	Instead *store.QueuedJob // equal active job to return instead
	Cancel  []left4me.JobID  // active jobs to cancel first
}

// Decide returns how to handle a request for a job, given the active jobs of its target, oldest
// first.
func Decide(asked store.QueuedJob, active []store.QueuedJob) (Plan, error) {
	var plan Plan
	for i, a := range active {
		switch {
		case a.Kind == left4me.DeleteServer && asked.Kind != left4me.DeleteServer:
			return Plan{}, left4me.NewError(left4me.Conflict, "server.being_deleted", "server", asked.Target)
		case a.Kind == left4me.DeleteOverlay && asked.Kind == left4me.BuildOverlay:
			return Plan{}, left4me.NewError(left4me.Conflict, "overlay.being_deleted", "overlay", asked.Target)
		case asked.Kind == left4me.RollbackGame && replaces(a.Kind) && !a.Cancelling:
			// The previous build is only known once that job has ended.
			return Plan{}, left4me.NewError(left4me.Conflict, "game.being_changed", "host", asked.Target)
		case cancelsStart(asked.Kind) && cancellable(a.Kind):
			plan.Cancel = append(plan.Cancel, a.ID)
		}
		// Only the last job counts: a second start after start and stop is a separate job.
		if i == len(active)-1 && equal(asked, a) && !a.Cancelling {
			plan.Instead = &active[i]
		}
	}
	return plan, nil
}

// equal reports whether two jobs on one target do the same. Two starts of a server are equal even
// if its settings changed in between.
func equal(a, b store.QueuedJob) bool {
	return a.Kind == b.Kind && (a.Kind.Noun() == "server" && !precise(a.Kind) || bytes.Equal(a.Spec, b.Spec))
}

// precise reports whether the payload of a job on a server describes the job. Other payloads are
// the definition of the server.
func precise(k left4me.JobKind) bool { return k == left4me.DiscardUpper || k == left4me.ChangeMap }

// replaces reports whether a job of this kind installs another build of the game.
func replaces(k left4me.JobKind) bool {
	return k == left4me.InstallGame || k == left4me.UpdateGame || k == left4me.VerifyGame
}

// cancelsStart reports whether a job of this kind cancels an active start, restart, change of the map or
// overlay build; cancellable reports whether it can be cancelled that way. Deleting an overlay also cancels
// its running build.
func cancelsStart(k left4me.JobKind) bool {
	return k == left4me.StopServer || k == left4me.DeleteServer || k == left4me.ResetServer || k == left4me.DeleteOverlay
}

func cancellable(k left4me.JobKind) bool {
	return k == left4me.StartServer || k == left4me.RestartServer || k == left4me.ChangeMap || k == left4me.BuildOverlay
}

// Get returns one job. Errors: left4me.NotFound.
func (j *Jobs) Get(ctx context.Context, id left4me.JobID) (left4me.Job, error) {
	if v, ok := j.unwritten.get(id); ok {
		return v.Job, nil
	}
	v, err := j.storage.Get(ctx, id)
	return v.Job, err
}

// List returns the newest jobs, at most limit (1 to 500), without their logs, which Get returns. An
// empty target matches all targets.
func (j *Jobs) List(ctx context.Context, noun string, target left4me.Name, limit int) ([]left4me.Job, error) {
	return j.Page(ctx, noun, target, "", max(1, min(limit, 500)))
}

// Page is like List for the jobs older than before, which need not exist; an empty before starts
// with the newest. Unwritten jobs are only on the first page.
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

// Active returns the queued and running jobs of a noun by target. If a target has several, it
// returns the one that runs or will run next.
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

// Failed returns, for each target whose newest job of this noun failed or was interrupted, that job
// without its log.
func (j *Jobs) Failed(ctx context.Context, noun string, targets []left4me.Name) (map[left4me.Name]left4me.Job, error) {
	rows, err := j.storage.Failed(ctx, noun, targets)
	failed := make(map[left4me.Name]left4me.Job, len(rows))
	for _, r := range rows {
		failed[r.Target] = r.Job
	}
	return failed, err
}

// Cancel cancels a job: a queued one ends immediately, a running one within seconds, after the part
// that cannot be interrupted. A job that has ended is returned unchanged. Errors: left4me.NotFound.
func (j *Jobs) Cancel(ctx context.Context, id left4me.JobID) (left4me.Job, error) {
	v, err := j.storage.Cancel(ctx, id)
	if err != nil {
		return left4me.Job{}, err
	}
	ctx = context.WithoutCancel(ctx) // the job must be ended even if the caller gives up
	switch v.State {
	case left4me.JobQueued:
		v.State = left4me.JobCancelled
		err = j.end(ctx, v.Job)
	case left4me.JobRunning:
		err = j.bus.Request(ctx, bus.Command(v.Host, bus.VerbCancel), bus.CancelRequest{V: bus.Version, ID: id}, nil)
		if errors.Is(err, left4me.Unavailable) {
			err = nil // the host learns of it when it claims the job again
		}
	}
	return v.Job, err
}

// RetryFunc repeats a job with the current definition of its target.
type RetryFunc func(ctx context.Context, by left4me.Actor, v store.QueuedJob) (left4me.Job, error)

// OnRetry registers the function that repeats jobs of a noun. It must be called before Run.
func (j *Jobs) OnRetry(noun string, again RetryFunc) { j.retries[noun] = again }

// ErrorTranslation translates the names in a host's error to the current ones, after renames.
type ErrorTranslation func(ctx context.Context, host left4me.Name, e *left4me.Error) *left4me.Error

// OnFailure registers the translation of errors of jobs. It must be called before Run. Without it,
// errors keep the host's names.
func (j *Jobs) OnFailure(translate ErrorTranslation) { j.translate = translate }

// Retry repeats a job that failed, was cancelled or was interrupted, as a new job. Errors:
// left4me.NotFound, left4me.Conflict in any other state.
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

// end records the end of a job, notifies watchers and sends the target's next job. A job that has
// already ended stays unchanged.
func (j *Jobs) end(ctx context.Context, v left4me.Job) error {
	if v.EndedAt.IsZero() {
		v.EndedAt = time.Now().UTC().Truncate(time.Millisecond)
	}
	var drop left4me.Name
	if v.Kind == left4me.DeleteServer && v.State == left4me.JobDone {
		drop = v.Target
	}
	j.notifyMu.Lock()
	v, ended, err := j.storage.End(ctx, v, drop)
	if ended {
		j.notify(v)
	}
	j.notifyMu.Unlock()
	if ended {
		j.log.InfoContext(ctx, "job ended", "job", v.ID, "kind", v.Kind, "target", v.Target, "state", v.State)
		j.dispatch(ctx, v.Kind.Noun(), v.Target)
	}
	return err
}
