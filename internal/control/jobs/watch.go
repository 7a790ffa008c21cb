package jobs

import (
	"context"
	"iter"

	"github.com/left4me/left4me/internal/left4me"
)

// watchBuffer is how many changes a watcher may lag behind. A slower watcher misses the oldest
// changes, but a watcher of a single job never misses its end.
const watchBuffer = 64

// Watch yields the current state of a job, then each change, and ends when the job has ended or ctx
// ends. The subscription begins with the call and ends with ctx, even if the caller never
// ranges over the result. Errors: left4me.NotFound.
func (j *Jobs) Watch(ctx context.Context, id left4me.JobID) (iter.Seq[left4me.Job], error) {
	c, end := j.subscribe(ctx, id)
	now, err := j.Get(ctx, id)
	if err != nil {
		end()
		return nil, err
	}
	return func(yield func(left4me.Job) bool) {
		defer end()
		for {
			if !yield(now) || now.State.Ended() {
				return
			}
			select {
			case now = <-c:
			case <-ctx.Done():
				return
			}
		}
	}, nil
}

// WatchAll yields every change of any job until ctx ends. The subscription begins with the call and
// ends with ctx, even if the caller never ranges over the result.
func (j *Jobs) WatchAll(ctx context.Context) iter.Seq[left4me.Job] {
	c, end := j.subscribe(ctx, "")
	return func(yield func(left4me.Job) bool) {
		defer end()
		for {
			select {
			case v := <-c:
				if !yield(v) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// subscribe adds a watcher of a job, or of all jobs if id is empty, until ctx ends or end is
// called.
func (j *Jobs) subscribe(ctx context.Context, id left4me.JobID) (c chan left4me.Job, end func()) {
	c = make(chan left4me.Job, watchBuffer)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.watchers[c] = id
	forget := func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.watchers, c)
	}
	stop := context.AfterFunc(ctx, forget)
	return c, func() {
		stop()
		forget()
	}
}

// Watchers returns the number of subscriptions.
func (j *Jobs) Watchers() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.watchers)
}

// notify sends a change to the watchers. It never blocks: if a watcher's buffer is full, its oldest
// change is dropped.
func (j *Jobs) notify(v left4me.Job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for c, id := range j.watchers {
		if id != "" && id != v.ID {
			continue
		}
		for {
			select {
			case c <- v:
			default:
				select {
				case <-c:
				default:
				}
				continue
			}
			break
		}
	}
}
