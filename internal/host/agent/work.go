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
	"github.com/left4me/left4me/internal/left4me"
)

var errCancelled = errors.New("cancelled")

// work runs one job: claim, do, report. Whatever it is, running it twice ends
// in the same state.
func (a *Agent) work(agent context.Context, d bus.Delivery) {
	log := a.log.With("job", d.ID, "kind", d.Kind, "target", d.Target)
	ctx, cancel := context.WithCancelCause(agent)
	defer cancel(nil)
	if !a.begin(d.JobMessage, cancel) {
		return // it is being worked on; that one answers for the message
	}
	defer a.finish(d.ID)

	// A cancel does not interrupt the claim: the row may be running by now, and its
	// message would come again only after the bus has waited for this host.
	var claim bus.ClaimAnswer
	err := a.bus.Request(agent, bus.Ask(a.Host, bus.VerbClaim), bus.ClaimRequest{V: bus.Version, ID: d.ID}, &claim)
	switch {
	case err != nil:
		if agent.Err() == nil {
			log.Warn("claim", "err", err)
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
	defer a.keepWorking(agent, d)()
	a.do(agent, ctx, d, log)
}

// do runs a job that is claimed and reports its end.
func (a *Agent) do(agent, ctx context.Context, d bus.Delivery, log *slog.Logger) {
	p := &progress{agent: a, id: d.ID}
	err := a.run(ctx, d.JobMessage, p)
	if disk.IsFull(err) && d.Kind.Noun() == "server" && a.Relieve != nil && a.Relieve() {
		p.forget()
		err = a.run(ctx, d.JobMessage, p)
	}
	a.worked(d.ID)
	if ctx.Err() != nil && context.Cause(ctx) != errCancelled { //nolint:errorlint // it is that one
		return // left4me ends: the successor goes on
	}
	report := p.end(err, context.Cause(ctx))
	if report.State == left4me.JobFailed {
		log.Warn("job failed", "err", err)
	}
	a.report(agent, d, report)
}

// task is a job that this host has in its hands.
type task struct {
	kind   left4me.JobKind
	target left4me.Name
	cancel context.CancelCauseFunc
	worked chan struct{} // closed when only the report is left, or nothing
	once   sync.Once
}

func (w *task) done() { w.once.Do(func() { close(w.worked) }) }

func (a *Agent) begin(m bus.JobMessage, cancel context.CancelCauseFunc) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.jobs[m.ID]; ok {
		return false
	}
	a.jobs[m.ID] = &task{kind: m.Kind, target: m.Target, cancel: cancel, worked: make(chan struct{})}
	return true
}

// worked says that of a job only the report is left.
func (a *Agent) worked(id left4me.JobID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.jobs[id].done()
}

func (a *Agent) finish(id left4me.JobID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.jobs[id].done()
	delete(a.jobs, id)
}

// cancel stops a job that this host works on.
func (a *Agent) cancel(id left4me.JobID) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if w, ok := a.jobs[id]; ok {
		w.cancel(errCancelled)
	}
	return nil
}

// keepWorking tells the bus that the job is being worked on, until the function
// that it returns is called.
func (a *Agent) keepWorking(ctx context.Context, d bus.Delivery) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(10 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if err := d.Working(); err != nil {
					a.log.Warn("in progress", "job", d.ID, "err", err)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// longestReport bounds the time between two tries to report the end of a job.
const longestReport = 5 * time.Second

// report tells the end of a job until it is heard, so that the job isn't done
// again for a report that was lost. When the report is refused or the agent ends,
// the message goes back: the next claim decides what becomes of the job.
func (a *Agent) report(ctx context.Context, d bus.Delivery, r bus.JobReport) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, longestReport) {
		err := a.bus.Request(context.WithoutCancel(ctx), bus.Ask(a.Host, bus.VerbReport), r, nil)
		if err == nil {
			_ = d.Done()
			return
		}
		a.log.Warn("report", "job", d.ID, "err", err)
		if pause(ctx, wait); ctx.Err() != nil || errors.Is(err, left4me.Invalid) {
			break
		}
	}
	_ = d.Later(5 * time.Second)
}

func (a *Agent) run(ctx context.Context, m bus.JobMessage, p *progress) error {
	if err := a.checkJob(m.Kind); err != nil {
		return err
	}
	if m.Kind == left4me.DiscardUpper {
		var spec bus.DiscardSpec
		if err := json.Unmarshal(m.Spec, &spec); err != nil || !m.Target.Valid() || spec.Server != m.Target {
			return left4me.Errorf(left4me.Invalid, "job %s names no server", m.ID)
		}
		return a.discard(ctx, spec, p)
	}
	if m.Kind.Noun() == "server" {
		return a.runServer(ctx, m, p)
	}
	if m.Kind.Noun() == "backup" {
		return a.runBackup(ctx, m, p)
	}
	if m.Kind.Noun() == "game" {
		return a.runGame(ctx, m, p)
	}
	if m.Kind.Noun() == "overlay" {
		return a.runOverlay(ctx, m, p)
	}
	if m.Kind.Noun() == "content" {
		return a.runContent(ctx, m, p)
	}
	return unknownKind(a.Host, m.Kind)
}

func unknownKind(host left4me.Name, k left4me.JobKind) error {
	return left4me.Errorf(left4me.Invalid, "host %s does not know how to %s", host, k).WithHint("bring left4me there up to date")
}

// runServer runs a job on a server.
func (a *Agent) runServer(ctx context.Context, m bus.JobMessage, p *progress) error {
	var spec left4me.Spec
	if err := json.Unmarshal(m.Spec, &spec); err != nil || !m.Target.Valid() || spec.Name != m.Target {
		return left4me.Errorf(left4me.Invalid, "job %s names no server", m.ID)
	}
	switch m.Kind {
	case left4me.StartServer:
		p.plan(left4me.StepWriteConfig, left4me.StepCheckPort, left4me.StepLaunch, left4me.StepAwaitReady)
		return a.start(ctx, spec, p)
	case left4me.StopServer:
		p.plan(left4me.StepStop, left4me.StepUnmount)
		return a.stop(ctx, m.Target, p)
	case left4me.RestartServer:
		p.plan(left4me.StepStop, left4me.StepUnmount, left4me.StepWriteConfig, left4me.StepCheckPort, left4me.StepLaunch,
			left4me.StepAwaitReady)
		if err := a.stop(ctx, m.Target, p); err != nil {
			return err
		}
		return a.start(ctx, spec, p)
	case left4me.ResetServer:
		p.plan(left4me.StepStop, left4me.StepUnmount, left4me.StepEmptyUpper, left4me.StepWriteConfig, left4me.StepCheckPort,
			left4me.StepLaunch, left4me.StepAwaitReady)
		return a.reset(ctx, spec, p)
	case left4me.DeleteServer:
		p.plan(left4me.StepStop, left4me.StepUnmount, left4me.StepEmptyUpper, left4me.StepRemoveFiles)
		return a.remove(ctx, m.Target, p)
	}
	return unknownKind(a.Host, m.Kind)
}

// progress is what is told of a job while it runs.
type progress struct {
	agent *Agent
	id    left4me.JobID

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
	if err := p.agent.bus.Publish(bus.Live(p.agent.Host, bus.KindJob), r); err != nil {
		p.agent.log.Warn("progress", "job", p.id, "err", err)
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
