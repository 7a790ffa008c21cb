// Package job publishes the progress of a host's job: its steps, notes and log.
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

// ErrCancelled is the cause of a job's context after the job was cancelled.
var ErrCancelled = errors.New("cancelled")

// Interrupted reports whether ctx ended because left4me ends, and not because the job was
// cancelled. The next agent resumes an interrupted job.
func Interrupted(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), ErrCancelled)
}

// Progress is the published state of a running job. It is safe for concurrent use.
type Progress struct {
	id   left4me.JobID
	host left4me.Name
	bus  *bus.Bus // nil: do not publish
	log  *slog.Logger
	ctx  context.Context // context of the job; carries the request id for the log

	mu    sync.Mutex
	steps []left4me.Step
	lines []string // the last lines, limited as in left4me.ClipLog
}

// New returns the progress of a job. It publishes every change on b. ctx is the job's context;
// progress is still published after ctx has ended.
func New(ctx context.Context, id left4me.JobID, host left4me.Name, b *bus.Bus, log *slog.Logger) *Progress {
	return &Progress{id: id, host: host, bus: b, log: log, ctx: ctx}
}

// Quiet returns progress that is not published, for work that is one step of another job.
func Quiet(id left4me.JobID) *Progress { return &Progress{id: id} }

// Plan appends steps that are still pending.
func (p *Progress) Plan(labels ...string) {
	p.mu.Lock()
	for _, l := range labels {
		p.steps = append(p.steps, left4me.Step{Label: l, State: left4me.StepPending})
	}
	p.mu.Unlock()
	p.Publish()
}

// Restart removes the steps of a first run.
func (p *Progress) Restart() {
	p.mu.Lock()
	p.steps = nil
	p.mu.Unlock()
}

// Step runs one planned step and publishes its start and its end. f may return notes about the
// result.
func (p *Progress) Step(ctx context.Context, label string, f func(context.Context) (left4me.Notes, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.Set(label, func(s *left4me.Step) {
		s.State, s.StartedAt = left4me.StepRunning, now()
		s.SetNotes()
	})
	notes, err := f(ctx)
	p.Set(label, func(s *left4me.Step) {
		s.State, s.EndedAt = left4me.StepDone, now()
		s.SetNotes(notes...)
		if err != nil {
			s.State = left4me.StepFailed
		}
	})
	return err
}

// Note sets the note of a step, for example why it has not started.
func (p *Progress) Note(label string, why left4me.Note) {
	p.Set(label, func(s *left4me.Step) { s.SetNotes(why) })
}

// Warn sets a warning for users on a completed step. It does nothing for the zero Note.
func (p *Progress) Warn(label string, warning left4me.Note) {
	if !warning.IsZero() {
		p.Set(label, func(s *left4me.Step) { s.SetWarnings(warning) })
	}
}

// Skip marks steps as skipped and notes why.
func (p *Progress) Skip(why left4me.Note, labels ...string) {
	for _, l := range labels {
		p.Set(l, func(s *left4me.Step) {
			s.State = left4me.StepSkipped
			s.SetNotes(why)
		})
	}
}

// Set changes a step and publishes the change.
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

// Print appends a line to the job's log. The line is published with the next change of a step.
func (p *Progress) Print(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, left4me.Clip(line, left4me.MaxJobLogLine))
	p.lines = p.lines[max(0, len(p.lines)-left4me.MaxJobLog):]
}

// Steps returns a copy of the steps.
func (p *Progress) Steps() []left4me.Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]left4me.Step{}, p.steps...)
}

// Log returns the last lines of the log.
func (p *Progress) Log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return left4me.ClipLog(p.lines)
}

// Publish publishes the current state. It never blocks the work, and a failure does not fail the
// job.
func (p *Progress) Publish() {
	if p.bus == nil {
		return
	}
	r := bus.JobReport{V: bus.Version, ID: p.id, State: left4me.JobRunning, Steps: p.Steps(), Log: p.Log()}
	if err := p.bus.Publish(bus.Broadcast(p.host, bus.KindJob), r); err != nil {
		p.log.WarnContext(p.ctx, "progress", "job", p.id, "err", err)
	}
}

// Shown returns the error of a job if users may see it, otherwise an error that tells them where to
// find more.
func Shown(id left4me.JobID, err error) *left4me.Error {
	return left4me.Shown(err, left4me.NewError(left4me.Unavailable, "internal.job", "job", id))
}

// End returns the final report of a job that returned err. cause is the cause of its context's
// cancellation.
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

// publishEvery is the shortest time between two updates of a step's bytes.
const publishEvery = 300 * time.Millisecond

// Bytes returns a function that publishes how many bytes of a step are done. Calls within
// publishEvery of the last update are ignored, except the final one.
func (p *Progress) Bytes(label string) func(done, total int64) {
	var told time.Time
	var before int64
	return func(done, total int64) {
		since := time.Since(told)
		if since < publishEvery && done < total {
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
