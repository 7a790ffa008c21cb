package jobs

import (
	"context"
	"iter"

	"github.com/left4me/left4me"
)

// watchBuffer is how many changes a watcher may be behind. A slower one misses
// the oldest ones: one that watches a single job never misses its end.
const watchBuffer = 64

// Watch gives a job as it is and then each change, and ends when the job has
// ended or ctx ends. Errors: left4me.NotFound.
func (j *Jobs) Watch(ctx context.Context, id left4me.JobID) (iter.Seq[left4me.Job], error) {
	c := j.subscribe(id)
	now, err := j.Get(ctx, id)
	if err != nil {
		j.unsubscribe(c)
		return nil, err
	}
	return func(yield func(left4me.Job) bool) {
		defer j.unsubscribe(c)
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

// WatchAll gives each change of any job until ctx ends.
func (j *Jobs) WatchAll(ctx context.Context) iter.Seq[left4me.Job] {
	c := j.subscribe("")
	return func(yield func(left4me.Job) bool) {
		defer j.unsubscribe(c)
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

func (j *Jobs) subscribe(id left4me.JobID) chan left4me.Job {
	c := make(chan left4me.Job, watchBuffer)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.watchers[c] = id
	return c
}

func (j *Jobs) unsubscribe(c chan left4me.Job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.watchers, c)
}

// notify tells the watchers. It never waits: when a watcher's buffer is full,
// its oldest change makes room for this one.
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
