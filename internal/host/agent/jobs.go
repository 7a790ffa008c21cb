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

// jobs works on the jobs of a host.
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

// work runs one job: claim, do, report. Whatever it is, running it twice ends
// in the same state.
func (j *jobs) work(agent context.Context, d bus.Delivery) {
	agent = requestid.Ensure(requestid.With(agent, d.RequestID))
	log := j.core.log.With("job", d.ID, "kind", d.Kind, "target", d.Target)
	ctx, cancel := context.WithCancelCause(agent)
	defer cancel(nil)
	if !j.begin(d.JobMessage, cancel) {
		return // it is being worked on; that one answers for the message
	}
	defer j.finish(d.ID)

	// A cancel does not interrupt the claim: the row may be running by now, and its
	// message would come again only after the bus has waited for this host.
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

// do runs a job that is claimed and reports its end.
func (j *jobs) do(agent, ctx context.Context, d bus.Delivery, log *slog.Logger) {
	p := newProgress(ctx, j.core, d.ID)
	err := j.run(ctx, d.JobMessage, p)
	if disk.IsFull(err) && d.Kind.Noun() == "server" && j.core.Relieve != nil && j.core.Relieve() {
		p.Restart()
		err = j.run(ctx, d.JobMessage, p)
	}
	j.worked(d.ID)
	if job.Interrupted(ctx) {
		return // left4me ends: the successor goes on
	}
	report := p.End(err, context.Cause(ctx))
	if report.State == left4me.JobFailed {
		log.WarnContext(ctx, "job failed", "err", err)
	}
	j.report(agent, d, report)
}

// task is a job that this host has in its hands.
type task struct {
	kind   left4me.JobKind
	names  []left4me.Name // of what it works on: of a server also the one that it had
	cancel context.CancelCauseFunc
	worked chan struct{} // closed when only the report is left, or nothing
	once   sync.Once
}

func (w *task) done() { w.once.Do(func() { close(w.worked) }) }

// namesOf are the names of what a job works on.
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

// worked says that of a job only the report is left.
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

// cancel stops a job that this host works on.
func (j *jobs) cancel(id left4me.JobID) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if w, ok := j.active[id]; ok {
		w.cancel(job.ErrCancelled)
	}
	return nil
}

// keepWorking tells the bus that the job is being worked on, until the function
// that it returns is called.
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

// longestReport bounds the time between two tries to report the end of a job.
const longestReport = 5 * time.Second

// report tells the end of a job until it is heard, so that the job isn't done
// again for a report that was lost. When the report is refused or the agent ends,
// the message goes back: the next claim decides what becomes of the job.
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
