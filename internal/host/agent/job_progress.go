package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// progress is what is told of a job while it runs.
type progress struct {
	core *core
	id   left4me.JobID

	mu    sync.Mutex
	steps []left4me.Step
	log   []string // the last lines, bounded as left4me.ClipLog says
	mute  bool     // part of another's work, which tells
}

// plan names the steps that will come.
func (p *progress) plan(labels ...string) {
	p.mu.Lock()
	for _, l := range labels {
		p.steps = append(p.steps, left4me.Step{Label: l, State: left4me.StepPending})
	}
	p.mu.Unlock()
	p.emit()
}

// forget drops the steps of a first run.
func (p *progress) forget() {
	p.mu.Lock()
	p.steps = nil
	p.mu.Unlock()
}

// step runs one planned step: told before its work starts and once more with
// its end. f may return a note of what it found.
func (p *progress) step(ctx context.Context, label string, f func(context.Context) (note string, err error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.set(label, func(s *left4me.Step) { s.State, s.Note, s.StartedAt = left4me.StepRunning, "", now() })
	note, err := f(ctx)
	p.set(label, func(s *left4me.Step) {
		s.State, s.Note, s.EndedAt = left4me.StepDone, note, now()
		if err != nil {
			s.State = left4me.StepFailed
		}
	})
	return err
}

// note says why a step has not begun.
func (p *progress) note(label, why string) {
	p.set(label, func(s *left4me.Step) { s.Note = why })
}

// warn says of a step what a person has to see to, though the step was done.
func (p *progress) warn(label, warning string) {
	if warning != "" {
		p.set(label, func(s *left4me.Step) { s.Warning = warning })
	}
}

// skip says that steps need no work, and why.
func (p *progress) skip(why string, labels ...string) {
	for _, l := range labels {
		p.set(l, func(s *left4me.Step) { s.State, s.Note = left4me.StepSkipped, why })
	}
}

func (p *progress) set(label string, change func(*left4me.Step)) {
	p.mu.Lock()
	for i := range p.steps {
		if p.steps[i].Label == label {
			change(&p.steps[i])
			p.steps[i] = p.steps[i].Clipped()
		}
	}
	p.mu.Unlock()
	p.emit()
}

// print keeps a line that the work printed. It is told with what comes next.
func (p *progress) print(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, left4me.Clip(line, left4me.MaxJobLogLine))
	p.log = p.log[max(0, len(p.log)-left4me.MaxJobLog):]
}

func (p *progress) snapshot() []left4me.Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]left4me.Step{}, p.steps...)
}

func (p *progress) printed() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return left4me.ClipLog(p.log)
}

// emit tells how far the job is. It never blocks the work, and nothing that
// goes wrong with it fails the job.
func (p *progress) emit() {
	if p.mute {
		return
	}
	r := bus.JobReport{V: bus.Version, ID: p.id, State: left4me.JobRunning, Steps: p.snapshot(), Log: p.printed()}
	if err := p.core.bus.Publish(bus.Live(p.core.Host, bus.KindJob), r); err != nil {
		p.core.log.Warn("progress", "job", p.id, "err", err)
	}
}

// inLog says where people find more about a job than they are told.
func inLog(id left4me.JobID) string { return "the log of left4me says more under job=" + string(id) }

// end says how a job ended that returned err; cause is why its context ended.
func (p *progress) end(err, cause error) bus.JobReport {
	r := bus.JobReport{V: bus.Version, ID: p.id, State: left4me.JobDone, Steps: p.snapshot(), Log: p.printed()}
	switch {
	case err == nil:
		return r
	case errors.Is(cause, errCancelled):
		r.State = left4me.JobCancelled
	default:
		r.State = left4me.JobFailed
		r.Error = left4me.Shown(disk.Explain(err), inLog(p.id)).Clipped()
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

// bytes gives a function that tells how many bytes of a step are done. It may be
// called as often as one likes.
func (p *progress) bytes(label string) func(done, total int64) {
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
		p.set(label, func(s *left4me.Step) {
			s.Progress = left4me.Progress{Done: done, Total: total, Unit: "bytes", Rate: rate}
		})
	}
}

func megabytes(n int64) string {
	switch {
	case n >= 10_000_000_000:
		return fmt.Sprintf("%.0f GB", float64(n)/1e9)
	case n >= 1_000_000_000:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 10_000_000:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	case n >= 100_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1e3)
}
