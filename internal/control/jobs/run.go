package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
	"github.com/left4me/left4me/internal/requestid"
	"github.com/left4me/left4me/internal/store"
)

// Run answers hosts, resends the jobs that were active when left4me ended, and keeps resending
// queued jobs until ctx ends.
func (j *Jobs) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer j.running.Wait()
	defer cancel()
	if err := j.start(ctx); err != nil {
		return err
	}
	close(j.ready)
	<-ctx.Done()
	return nil
}

// Ready is closed once Run answers hosts.
func (j *Jobs) Ready() <-chan struct{} { return j.ready }

func (j *Jobs) start(ctx context.Context) error {
	if err := j.bus.Answer(ctx, bus.Ask(bus.AnyHost, bus.VerbClaim), j.claim); err != nil {
		return err
	}
	// Progress and the end of jobs use one subscription each. The end is a request, which the host
	// repeats until it is answered.
	if err := j.bus.Answer(ctx, bus.Ask(bus.AnyHost, bus.VerbReport), j.report); err != nil {
		return err
	}
	if err := j.bus.Listen(ctx, bus.Broadcast(bus.AnyHost, bus.KindJob),
		func(subject string, data []byte) { j.progress(ctx, subject, data) }); err != nil {
		return err
	}
	if err := j.resume(ctx); err != nil {
		return err
	}
	if j.bus.Full() != nil {
		j.running.Go(func() { j.resumeWithRoom(ctx) })
	}
	j.running.Go(func() { j.keepSending(ctx) })
	j.running.Go(func() { j.keepWriting(ctx) })
	return nil
}

// keepSending resends queued jobs until ctx ends. Duplicates are harmless: the claim refuses them.
func (j *Jobs) keepSending(ctx context.Context) {
	periodic.Run(ctx, periodic.Schedule{Every: j.resendEvery}, func(ctx context.Context) {
		active, err := j.storage.Active(ctx)
		if err != nil {
			j.log.ErrorContext(ctx, "send jobs again", "err", err)
			return
		}
		for _, v := range next(active) {
			if v.State == left4me.JobQueued {
				j.send(ctx, v)
			}
		}
	})
}

// resume sends all active jobs. The bus drops those it still has, and the claim refuses those that
// have ended in the meantime.
func (j *Jobs) resume(ctx context.Context) error {
	active, err := j.storage.Active(ctx)
	if err != nil {
		return err
	}
	for _, v := range next(active) {
		if v.Attempt >= maxAttempts {
			err := j.interrupt(ctx, v.Job)
			if err == nil {
				continue
			}
			if !errors.Is(err, left4me.DiskFull) {
				return err
			} // otherwise its next claim ends it
		}
		j.send(ctx, v)
	}
	return nil
}

// resumeWithRoom runs resume once the queue accepts messages, after a start on a full disk. At that
// start no host was connected that could be asked directly.
func (j *Jobs) resumeWithRoom(ctx context.Context) {
	ctx, done := context.WithCancel(ctx)
	defer done()
	periodic.Run(ctx, periodic.Schedule{Every: writeEvery}, func(ctx context.Context) {
		if j.bus.Full() != nil {
			return
		}
		err := j.resume(ctx)
		if err == nil {
			done()
		} else if ctx.Err() == nil {
			j.log.ErrorContext(ctx, "send jobs again", "err", err)
		}
	})
}

// interrupt ends a job that has used up its attempts.
func (j *Jobs) interrupt(ctx context.Context, v left4me.Job) error {
	v.State = left4me.JobInterrupted
	v.Error = left4me.NewError(left4me.Unavailable, "job.end_unknown", "attempts", v.Attempt)
	return j.end(ctx, v)
}

// next returns, of the active jobs ordered oldest first, those that may be sent to a host: the
// first one of each target.
func next(active []store.QueuedJob) []store.QueuedJob {
	type target struct {
		noun string
		name left4me.Name
	}
	seen := map[target]bool{}
	var first []store.QueuedJob
	for _, v := range active {
		t := target{v.Kind.Noun(), v.Target}
		if !seen[t] {
			seen[t] = true
			first = append(first, v)
		}
	}
	return first
}

// dispatch sends the next job of a target. Errors are logged and not returned: the row exists, and
// keepSending sends it again.
func (j *Jobs) dispatch(ctx context.Context, noun string, target left4me.Name) {
	active, err := j.storage.Active(ctx)
	if err != nil {
		j.log.ErrorContext(ctx, "dispatch", "target", target, "err", err)
		return
	}
	for _, v := range next(active) {
		if v.Kind.Noun() == noun && v.Target == target {
			j.send(ctx, v)
		}
	}
}

func (j *Jobs) send(ctx context.Context, v store.QueuedJob) {
	ctx, cancel := context.WithTimeout(requestid.With(context.WithoutCancel(ctx), v.RequestID), 10*time.Second)
	defer cancel()
	err := j.bus.Enqueue(ctx, v.Host, message(v))
	if refused, ok := left4me.Public(err); ok && refused.Kind == left4me.Invalid { // a retry would be refused too
		v.State, v.Error = left4me.JobFailed, refused
		err = j.end(ctx, v.Job)
	}
	if errors.Is(err, left4me.DiskFull) {
		j.log.WarnContext(ctx, "send job without the queue", "job", v.ID, "err", err)
		err = j.bus.Request(ctx, bus.Command(v.Host, bus.VerbWork), message(v), nil)
	}
	if err != nil {
		j.log.ErrorContext(ctx, "send job", "job", v.ID, "host", v.Host, "err", err)
	}
}

// message returns the message for the host of a job. A renamed target appears under the host's name
// for it, which is in the job's spec.
func message(v store.QueuedJob) bus.JobMessage {
	m := bus.JobMessage{V: bus.Version, ID: v.ID, Kind: v.Kind, Target: v.Target, Spec: v.Spec, RequestID: v.RequestID}
	var on struct {
		Name    left4me.Name    `json:"name"`    // in left4me.Spec
		Server  left4me.Name    `json:"server"`  // in bus.DiscardSpec
		Overlay json.RawMessage `json:"overlay"` // in left4me.BuildSpec, or a plain name in bus.OverlayRequest
	}
	if json.Unmarshal(v.Spec, &on) != nil {
		return m
	}
	switch v.Kind.Noun() {
	case string(left4me.ServerTarget):
		m.Target = cmp.Or(on.Name, on.Server, m.Target)
	case string(left4me.OverlayTarget):
		var name left4me.Name
		var built struct {
			Name left4me.Name `json:"name"`
		}
		if json.Unmarshal(on.Overlay, &name) == nil || json.Unmarshal(on.Overlay, &built) == nil {
			m.Target = cmp.Or(name, built.Name, m.Target)
		}
	}
	return m
}

// claim decides whether a host may work on a job now.
func (j *Jobs) claim(ctx context.Context, subject string, data []byte) (any, error) {
	var r bus.ClaimRequest
	if err := bus.Decode(data, &r); err != nil {
		return nil, err
	}
	answer := func(v bus.Verdict, attempt int) (any, error) {
		return bus.ClaimAnswer{V: bus.Version, Verdict: v, Attempt: attempt}, nil
	}
	have, err := j.storage.Get(ctx, r.ID)
	ctx = requestid.With(ctx, have.RequestID) // for a job without a request id, the one that the host generated
	switch {
	case j.unwritten.cancels(r.ID):
		return answer(bus.Later, 0)
	case errors.Is(err, left4me.NotFound):
		return answer(bus.Drop, 0)
	case err != nil:
		return nil, err
	case have.State.Ended() || have.Host != bus.HostOf(subject):
		return answer(bus.Drop, 0)
	case have.Cancelling:
		have.State = left4me.JobCancelled
		if err := j.end(ctx, have.Job); err != nil {
			return nil, err
		}
		return answer(bus.Drop, 0)
	case have.State == left4me.JobRunning && have.Attempt >= maxAttempts:
		if err := j.interrupt(ctx, have.Job); err != nil {
			return nil, err
		}
		return answer(bus.Drop, 0)
	}
	v, ok, err := j.storage.Run(ctx, r.ID, time.Now())
	switch {
	case errors.Is(err, left4me.NotFound):
		return answer(bus.Later, 0) // it has just ended or been cancelled; the next claim sees that
	case err != nil:
		return nil, err
	case !ok:
		return answer(bus.Later, 0)
	}
	j.log.InfoContext(ctx, "job runs", "job", v.ID, "kind", v.Kind, "target", v.Target, "attempt", v.Attempt)
	j.notify(v.Job)
	return answer(bus.Go, v.Attempt)
}

// progress stores and publishes the progress of a job.
func (j *Jobs) progress(ctx context.Context, subject string, data []byte) {
	j.notifyMu.Lock()
	defer j.notifyMu.Unlock()
	v, r, err := j.reported(ctx, subject, data)
	if errors.Is(err, left4me.NotFound) && j.progressDirect(r) {
		return
	}
	if err != nil {
		j.log.WarnContext(ctx, "progress of a job", "subject", subject, "err", err)
		return
	}
	if v.State != left4me.JobRunning {
		return
	}
	ctx = requestid.With(ctx, v.RequestID)
	if err := j.storage.Step(ctx, r.ID, r.Steps, r.Log); err != nil {
		j.log.ErrorContext(ctx, "progress of a job", "job", r.ID, "err", err)
	}
	v.Steps, v.Log = r.Steps, r.Log
	j.notify(v.Job)
}

// progressDirect records the progress of a job without a row, and reports whether it is one.
func (j *Jobs) progressDirect(r bus.JobReport) bool {
	v, ok := j.unwritten.change(r.ID, func(d *direct) {
		if !d.State.Ended() {
			d.State, d.Steps, d.Log, d.Error = r.State, r.Steps, r.Log, r.Error
			if len(d.Steps) > 0 && d.Steps[0].Note == "" {
				d.Steps[0].SetNotes(whyDirect())
			}
			if r.State.Ended() {
				d.EndedAt = time.Now().UTC().Truncate(time.Millisecond)
			}
		}
	})
	if ok {
		j.notify(v.Job)
	}
	return ok
}

// report handles the end of a job, sent by its host.
func (j *Jobs) report(ctx context.Context, subject string, data []byte) (any, error) {
	v, r, err := j.reported(ctx, subject, data)
	if errors.Is(err, left4me.NotFound) {
		if r.State.Ended() && j.progressDirect(r) {
			j.log.InfoContext(ctx, "job ended", "job", r.ID, "state", r.State, "why", whyDirect().Text)
			j.writeDirect(ctx)
		}
		return bus.Empty{V: bus.Version}, nil // the job no longer exists
	}
	if err != nil {
		return nil, err
	}
	if !r.State.Ended() {
		return nil, left4me.NewError(left4me.Invalid, "job.report_without_end")
	}
	v.State, v.Steps, v.Log, v.Error = r.State, r.Steps, r.Log, r.Error
	ctx = requestid.With(ctx, v.RequestID)
	if err := j.end(ctx, v.Job); err != nil {
		return nil, err
	}
	return bus.Empty{V: bus.Version}, nil
}

// reported reads a report and the job it is about. A host may only report its own jobs.
func (j *Jobs) reported(ctx context.Context, subject string, data []byte) (store.QueuedJob, bus.JobReport, error) {
	var r bus.JobReport
	if err := bus.Decode(data, &r); err != nil {
		return store.QueuedJob{}, r, err
	}
	if r.Error != nil {
		r.Error = j.translate(ctx, bus.HostOf(subject), r.Error)
	}
	v, err := j.storage.Get(ctx, r.ID)
	if err == nil && v.Host != bus.HostOf(subject) {
		err = left4me.NewError(left4me.NotFound, "job.unknown_on_host")
	}
	return v, r, err
}
