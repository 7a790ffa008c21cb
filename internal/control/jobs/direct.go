package jobs

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
	"github.com/left4me/left4me/internal/store"
)

// whyDirect returns the note shown with a job whose row could not be written.
func whyDirect() left4me.Note { return left4me.NewNote("job.not_recorded_yet") }

// writeEvery is the interval for retrying rows that did not fit on a full disk.
const writeEvery = 2 * time.Second

// unwritten holds stop jobs that were sent to a host although the disk was full. Their rows, and
// the cancellations they imply, are written when there is space. If left4me exits before that, the
// rows are lost but not the stops.
type unwritten struct {
	mu   sync.Mutex
	jobs []*direct // oldest first
}

// direct is a job without a row.
type direct struct {
	store.QueuedJob
	cancel  []left4me.JobID // jobs that the stop cancels
	written bool            // its row exists, without its end
}

func (u *unwritten) add(d direct) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.jobs = append(u.jobs, &d)
}

func (u *unwritten) drop(id left4me.JobID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.jobs = slices.DeleteFunc(u.jobs, func(d *direct) bool { return d.ID == id })
}

// change applies f to a job, if it is unwritten, and returns the job.
func (u *unwritten) change(id left4me.JobID, f func(*direct)) (store.QueuedJob, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, d := range u.jobs {
		if d.ID == id {
			f(d)
			return d.QueuedJob, true
		}
	}
	return store.QueuedJob{}, false
}

func (u *unwritten) get(id left4me.JobID) (store.QueuedJob, bool) {
	return u.change(id, func(*direct) {})
}

// all returns copies of the jobs on a target, newest first; an empty noun or target matches any.
func (u *unwritten) all(noun string, target left4me.Name) []direct {
	u.mu.Lock()
	defer u.mu.Unlock()
	var all []direct
	for _, d := range slices.Backward(u.jobs) {
		if (noun == "" || noun == d.Kind.Noun()) && (target == "" || target == d.Target) {
			all = append(all, *d)
		}
	}
	return all
}

// cancels reports whether an unwritten stop cancels a job, which must then not start.
func (u *unwritten) cancels(id left4me.JobID) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.ContainsFunc(u.jobs, func(d *direct) bool { return slices.Contains(d.cancel, id) })
}

// stopDirectly sends a host a plain request to stop a server, because the row of the job cannot be
// written. If such a stop is already in progress, it is returned instead.
func (j *Jobs) stopDirectly(ctx context.Context, asked store.QueuedJob, cancel []left4me.JobID) (left4me.Job, error) {
	for _, d := range j.unwritten.all("server", asked.Target) {
		if !d.State.Ended() {
			return d.Job, nil
		}
	}
	asked.State, asked.Attempt, asked.Reason = left4me.JobRunning, 1, whyDirect()
	asked.StartedAt = asked.CreatedAt
	j.unwritten.add(direct{QueuedJob: asked, cancel: cancel})
	err := j.bus.Request(ctx, bus.Command(asked.Host, bus.VerbStop), message(asked), nil)
	if err != nil {
		j.unwritten.drop(asked.ID)
		return left4me.Job{}, err
	}
	j.log.WarnContext(ctx, "server is stopped without a row of the job: disk full",
		"job", asked.ID, "target", asked.Target, "by", asked.By.String())
	j.notify(asked.Job)
	return asked.Job, nil
}

// keepWriting writes pending rows until ctx ends.
func (j *Jobs) keepWriting(ctx context.Context) {
	periodic.Run(ctx, periodic.Schedule{Every: writeEvery}, j.writeDirect)
}

// writeDirect writes as many pending rows as possible, oldest first, so that a later job is never
// recorded before them.
func (j *Jobs) writeDirect(ctx context.Context) {
	j.writing.Lock()
	defer j.writing.Unlock()
	all := j.unwritten.all("", "")
	for _, d := range slices.Backward(all) {
		if !d.State.Ended() {
			return
		}
		err := j.writeOne(ctx, d)
		if errors.Is(err, left4me.DiskFull) || ctx.Err() != nil {
			return
		}
		if err != nil {
			j.log.ErrorContext(ctx, "record a job that ran on a full disk", "job", d.ID, "err", err)
		}
		j.unwritten.drop(d.ID)
	}
}

func (j *Jobs) writeOne(ctx context.Context, d direct) error {
	for _, id := range d.cancel {
		if _, err := j.Cancel(ctx, id); err != nil && !errors.Is(err, left4me.NotFound) {
			return err
		}
	}
	if !d.written {
		_, err := j.storage.Add(ctx, d.QueuedJob, func([]store.QueuedJob) (*store.QueuedJob, error) { return nil, nil })
		if err != nil {
			return err
		}
		j.unwritten.change(d.ID, func(d *direct) { d.written = true })
	}
	return j.end(ctx, d.Job)
}
