// Package job tells how far a job of a host is.
package job

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// ErrCancelled is the cause of a context whose job somebody cancelled.
var ErrCancelled = errors.New("cancelled")

// Interrupted reports whether left4me ends, and not only the job of a context: its
// successor goes on with the job.
func Interrupted(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), ErrCancelled)
}

// Progress is what is told of a job while it runs. It is safe for concurrent use.
type Progress struct {
	id   left4me.JobID
	host left4me.Name
	bus  *bus.Bus // nil: nothing is told
	log  *slog.Logger
	ctx  context.Context // of the job: its id for the log

	mu    sync.Mutex
	steps []left4me.Step
	lines []string // the last lines, bounded as left4me.ClipLog says
}

// New returns the progress of a job, which is published on b as it changes. ctx is that
// of the job; its end changes nothing.
func New(ctx context.Context, id left4me.JobID, host left4me.Name, b *bus.Bus, log *slog.Logger) *Progress {
	return &Progress{id: id, host: host, bus: b, log: log, ctx: ctx}
}

// Quiet returns progress that is not published: of work that is a part of another
// job, which tells of it itself.
func Quiet(id left4me.JobID) *Progress { return &Progress{id: id} }

// Plan names the steps that will come.
func (p *Progress) Plan(labels ...string) {
	p.mu.Lock()
	for _, l := range labels {
		p.steps = append(p.steps, left4me.Step{Label: l, State: left4me.StepPending})
	}
	p.mu.Unlock()
	p.Publish()
}

// Restart drops the steps of a first run.
func (p *Progress) Restart() {
	p.mu.Lock()
	p.steps = nil
	p.mu.Unlock()
}

// Step runs one planned step: told before its work starts and once more with
// its end. f may return a note of what it found.
func (p *Progress) Step(ctx context.Context, label string, f func(context.Context) (note string, err error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.Set(label, func(s *left4me.Step) { s.State, s.Note, s.StartedAt = left4me.StepRunning, "", now() })
	note, err := f(ctx)
	p.Set(label, func(s *left4me.Step) {
		s.State, s.Note, s.EndedAt = left4me.StepDone, note, now()
		if err != nil {
			s.State = left4me.StepFailed
		}
	})
	return err
}

// Note says why a step has not begun.
func (p *Progress) Note(label, why string) {
	p.Set(label, func(s *left4me.Step) { s.Note = why })
}

// Warn says of a step what a person has to see to, though the step was done.
func (p *Progress) Warn(label, warning string) {
	if warning != "" {
		p.Set(label, func(s *left4me.Step) { s.Warning = warning })
	}
}

// Skip says that steps need no work, and why.
func (p *Progress) Skip(why string, labels ...string) {
	for _, l := range labels {
		p.Set(l, func(s *left4me.Step) { s.State, s.Note = left4me.StepSkipped, why })
	}
}

// Set changes what is told of a step.
func (p *Progress) Set(label string, change func(*left4me.Step)) {
	p.mu.Lock()
	for i := range p.steps {
		if p.steps[i].Label == label {
			change(&p.steps[i])
			p.steps[i] = p.steps[i].Clipped()
		}
	}
	p.mu.Unlock()
	p.Publish()
}

// Print keeps a line that the work printed. It is told with what comes next.
func (p *Progress) Print(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, left4me.Clip(line, left4me.MaxJobLogLine))
	p.lines = p.lines[max(0, len(p.lines)-left4me.MaxJobLog):]
}

// Steps are the steps so far.
func (p *Progress) Steps() []left4me.Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]left4me.Step{}, p.steps...)
}

// Log is what was printed last.
func (p *Progress) Log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return left4me.ClipLog(p.lines)
}

// Publish tells how far the job is. It never blocks the work, and nothing that
// goes wrong with it fails the job.
func (p *Progress) Publish() {
	if p.bus == nil {
		return
	}
	r := bus.JobReport{V: bus.Version, ID: p.id, State: left4me.JobRunning, Steps: p.Steps(), Log: p.Log()}
	if err := p.bus.Publish(bus.Broadcast(p.host, bus.KindJob), r); err != nil {
		p.log.WarnContext(p.ctx, "progress", "job", p.id, "err", err)
	}
}

// Shown returns what may be shown of an error of a job, or where people find more
// about it than they are told.
func Shown(id left4me.JobID, err error) *left4me.Error {
	return left4me.Shown(err, left4me.NewError(left4me.Unavailable, "internal.job", "job", id))
}

// End says how a job ended that returned err; cause is why its context ended.
func (p *Progress) End(err, cause error) bus.JobReport {
	r := bus.JobReport{V: bus.Version, ID: p.id, State: left4me.JobDone, Steps: p.Steps(), Log: p.Log()}
	switch {
	case err == nil:
		return r
	case errors.Is(cause, ErrCancelled):
		r.State = left4me.JobCancelled
	default:
		r.State = left4me.JobFailed
		r.Error = Shown(p.id, disk.Explain(err)).Clipped()
	}
	for i := range r.Steps {
		if r.Steps[i].State == left4me.StepPending {
			r.Steps[i].State = left4me.StepSkipped
		}
	}
	return r
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// tellEvery is how often it is told how far a step is.
const tellEvery = 300 * time.Millisecond

// Bytes gives a function that tells how many bytes of a step are done. It may be
// called as often as one likes.
func (p *Progress) Bytes(label string) func(done, total int64) {
	var told time.Time
	var before int64
	return func(done, total int64) {
		since := time.Since(told)
		if since < tellEvery && done < total {
			return
		}
		rate := int64(0)
		if !told.IsZero() && done > before {
			rate = int64(float64(done-before) / max(since, time.Millisecond).Seconds())
		}
		told, before = time.Now(), done
		p.Set(label, func(s *left4me.Step) {
			s.Progress = left4me.Progress{Done: done, Total: total, Unit: "bytes", Rate: rate}
		})
	}
}
