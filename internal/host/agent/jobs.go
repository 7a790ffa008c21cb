package agent

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
	"github.com/left4me/left4me/internal/requestid"
	"github.com/left4me/left4me/internal/sleep"
)

// jobs carries out the jobs of a host.
type jobs struct {
	core    *core
	disks   *disks
	runners map[left4me.JobKind]runner

	mu     sync.Mutex
	active map[left4me.JobID]*task
}

func newJobs(c *core, d *disks, runners map[left4me.JobKind]runner) *jobs {
	return &jobs{core: c, disks: d, runners: runners, active: map[left4me.JobID]*task{}}
}

// work claims a job, carries it out and reports its end. Every job is idempotent: a second run ends
// in the same state.
func (j *jobs) work(agent context.Context, d bus.Delivery) {
	agent = requestid.Ensure(requestid.With(agent, d.RequestID))
	log := j.core.log.With("job", d.ID, "kind", d.Kind, "target", d.Target)
	ctx, cancel := context.WithCancelCause(agent)
	defer cancel(nil)
	if !j.begin(d.JobMessage, cancel) {
		return // already in progress; that call answers the message
	}
	defer j.finish(d.ID)

	// A cancelled job must not interrupt the claim: the row may already be marked as running, and
	// the bus would redeliver the message only after waiting for this host.
	var claim bus.ClaimAnswer
	err := j.core.bus.Request(agent, bus.Ask(j.core.Host, bus.VerbClaim), bus.ClaimRequest{V: bus.Version, ID: d.ID}, &claim)
	switch {
	case err != nil:
		if agent.Err() == nil {
			log.WarnContext(agent, "claim", "err", err)
			_ = d.Later(time.Second)
		}
		return
	case claim.Verdict == bus.Later:
		_ = d.Later(time.Second)
		return
	case claim.Verdict != bus.Go:
		_ = d.Done()
		return
	}
	log.InfoContext(ctx, "working on job", "attempt", claim.Attempt)
	defer j.keepWorking(agent, d)()
	j.do(agent, ctx, d, log)
}

// do carries out a claimed job and reports its end.
func (j *jobs) do(agent, ctx context.Context, d bus.Delivery, log *slog.Logger) {
	p := newProgress(ctx, j.core, d.ID)
	err := j.run(ctx, d.JobMessage, p)
	if disk.IsFull(err) && d.Kind.Noun() == "server" && j.core.Relieve != nil && j.core.Relieve() {
		p.Restart()
		err = j.run(ctx, d.JobMessage, p)
	}
	j.worked(d.ID)
	if job.Interrupted(ctx) {
		return // the agent is ending; its successor resumes the job
	}
	report := p.End(err, context.Cause(ctx))
	if report.State == left4me.JobFailed {
		log.WarnContext(ctx, "job failed", "err", err)
	}
	j.report(agent, d, report)
}

// task is a job in progress on this host.
type task struct {
	kind   left4me.JobKind
	names  []left4me.Name // targets of the job; for a renamed server also its former name
	cancel context.CancelCauseFunc
	worked chan struct{} // closed when the work has ended and at most the report is left
	once   sync.Once
}

func (w *task) done() { w.once.Do(func() { close(w.worked) }) }

// namesOf returns the names of a job's target.
func namesOf(m bus.JobMessage) []left4me.Name {
	var spec struct {
		OldName left4me.Name `json:"old_name"`
	}
	if m.Kind.Noun() != "server" || json.Unmarshal(m.Spec, &spec) != nil || spec.OldName == "" {
		return []left4me.Name{m.Target}
	}
	return []left4me.Name{m.Target, spec.OldName}
}

func (j *jobs) begin(m bus.JobMessage, cancel context.CancelCauseFunc) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := j.active[m.ID]; ok {
		return false
	}
	j.active[m.ID] = &task{kind: m.Kind, names: namesOf(m), cancel: cancel, worked: make(chan struct{})}
	return true
}

// worked marks a job as ended except for its report.
func (j *jobs) worked(id left4me.JobID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.active[id].done()
}

func (j *jobs) finish(id left4me.JobID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.active[id].done()
	delete(j.active, id)
}

// cancel cancels a job in progress on this host. An unknown job is no error.
func (j *jobs) cancel(id left4me.JobID) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if w, ok := j.active[id]; ok {
		w.cancel(job.ErrCancelled)
	}
	return nil
}

// keepWorking tells the bus that the job is in progress, so that the bus does not redeliver it,
// until stop is called.
func (j *jobs) keepWorking(ctx context.Context, d bus.Delivery) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		periodic.Run(ctx, periodic.Schedule{Every: 10 * time.Second}, func(context.Context) {
			if err := d.Working(); err != nil {
				j.core.log.WarnContext(ctx, "in progress", "job", d.ID, "err", err)
			}
		})
	}()
	return func() { cancel(); <-done }
}

// run does the work of a job.
func (j *jobs) run(ctx context.Context, m bus.JobMessage, p *job.Progress) error {
	if err := j.disks.checkJob(m.Kind); err != nil {
		return err
	}
	if f := j.runners[m.Kind]; f != nil {
		return f(ctx, m, p)
	}
	return left4me.NewError(left4me.Invalid, "host.job_unknown", "host", j.core.Host, "kind", m.Kind)
}

// longestReport is the longest time between two attempts to report the end of a job.
const longestReport = 5 * time.Second

// report repeats the end of a job until control has confirmed it, because a lost report would run
// the job again. If the report is refused or the agent ends, the message returns to the queue and
// the next claim decides what happens to the job.
func (j *jobs) report(ctx context.Context, d bus.Delivery, r bus.JobReport) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, longestReport) {
		err := j.core.bus.Request(context.WithoutCancel(ctx), bus.Ask(j.core.Host, bus.VerbReport), r, nil)
		if err == nil {
			_ = d.Done()
			return
		}
		j.core.log.WarnContext(ctx, "report", "job", d.ID, "err", err)
		if _ = sleep.For(ctx, wait); ctx.Err() != nil || errors.Is(err, left4me.Invalid) {
			break
		}
	}
	_ = d.Later(5 * time.Second)
}
