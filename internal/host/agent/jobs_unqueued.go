package agent

import (
	"context"
	"slices"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
)

// workUnqueued starts a job that could not be added to the queue.
func (j *jobs) workUnqueued(m bus.JobMessage) error {
	j.core.group.Go(func() error {
		j.work(j.core.ctx, bus.Direct(m))
		return nil
	})
	return nil
}

// stopNow stops a server immediately and without a claim, because control cannot save the job's
// row. It cancels a start in progress.
func (j *jobs) stopNow(m bus.JobMessage) error {
	if m.Kind != left4me.StopServer || !m.Target.Valid() {
		return left4me.NewError(left4me.Invalid, "job.only_stop_unclaimed")
	}
	agent := requestid.Ensure(requestid.With(j.core.ctx, m.RequestID))
	ctx, cancel := context.WithCancelCause(agent)
	others := j.onServer(namesOf(m))
	if !j.begin(m, cancel) {
		cancel(nil)
		return nil
	}
	j.core.group.Go(func() error {
		defer cancel(nil)
		defer j.finish(m.ID)
		for _, w := range others {
			if w.kind == left4me.StartServer || w.kind == left4me.RestartServer {
				w.cancel(job.ErrCancelled)
			}
			// The report of a job may be waiting for disk space for its row, so wait for the work
			// only.
			select {
			case <-w.worked:
			case <-ctx.Done():
				return nil
			}
		}
		j.do(agent, ctx, bus.Direct(m), j.core.log.With("job", m.ID, "kind", m.Kind, "target", m.Target))
		return nil
	})
	return nil
}

// onServer returns the jobs in progress on the server that has one of the names.
func (j *jobs) onServer(names []left4me.Name) []*task {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []*task
	named := func(n left4me.Name) bool { return slices.Contains(names, n) }
	for _, w := range j.active {
		if w.kind.Noun() == "server" && slices.ContainsFunc(w.names, named) {
			all = append(all, w)
		}
	}
	return all
}
