package agent

import (
	"context"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// workDirectly works on a job that the queue could not take.
func (a *Agent) workDirectly(m bus.JobMessage) error {
	a.group.Go(func() error {
		a.work(a.ctx, bus.Direct(m))
		return nil
	})
	return nil
}

// stopDirectly stops a server at once, without a claim: the other side can't
// write that it was asked for. A start that is under way is cancelled.
func (a *Agent) stopDirectly(m bus.JobMessage) error {
	if m.Kind != left4me.StopServer || !m.Target.Valid() {
		return left4me.Errorf(left4me.Invalid, "only a stop is begun without a claim")
	}
	ctx, cancel := context.WithCancelCause(a.ctx)
	others := a.others(m.Target)
	if !a.begin(m, cancel) {
		cancel(nil)
		return nil
	}
	a.group.Go(func() error {
		defer cancel(nil)
		defer a.finish(m.ID)
		for _, w := range others {
			if w.kind == left4me.StartServer || w.kind == left4me.RestartServer {
				w.cancel(errCancelled)
			}
			// Its report may wait for room for its row, so only its work is waited for.
			select {
			case <-w.worked:
			case <-ctx.Done():
				return nil
			}
		}
		a.do(a.ctx, ctx, bus.Direct(m), a.log.With("job", m.ID, "kind", m.Kind, "target", m.Target))
		return nil
	})
	return nil
}

// others are the jobs on a server that are in this host's hands.
func (a *Agent) others(n left4me.Name) []*task {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []*task
	for _, w := range a.jobs {
		if w.kind.Noun() == "server" && w.target == n {
			all = append(all, w)
		}
	}
	return all
}
