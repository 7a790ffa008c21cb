package bulk

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
	"github.com/left4me/left4me/internal/requestid"
)

// Run carries out bulk actions until ctx ends.
func (b *Bulk) Run(ctx context.Context) error {
	changed := b.servers.Watch(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() {
		for range changed {
			select {
			case b.wakeup <- struct{}{}:
			default:
			}
		}
	})
	periodic.Run(ctx, periodic.Schedule{Every: checkEvery, Wake: b.wakeup, Pause: pause, AtOnce: true}, func(ctx context.Context) {
		if err := b.advance(ctx); err != nil && ctx.Err() == nil {
			b.log.ErrorContext(ctx, "work on several servers", "err", err)
		}
	})
	return nil
}

// advance carries out the currently possible steps of all bulk actions.
func (b *Bulk) advance(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	all, err := b.servers.List(ctx)
	if err != nil {
		return err
	}
	b.empty = b.empty.Update(all, b.now())
	acts, err := b.storage.BulkActs().Running(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range acts {
		_, err := b.step(requestid.With(ctx, a.RequestID), a, all)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// step carries out the currently possible steps of a bulk action, and saves it if it changed. mu must be
// held.
func (b *Bulk) step(ctx context.Context, before Act, all []servers.View) (Act, error) {
	a, err := b.settle(ctx, before)
	if err != nil {
		return before, err
	}
	now := b.now()
	for _, i := range next(&a, all, b.empty, now) {
		s := &a.Servers[i]
		j, err := b.servers.Act(ctx, a.By, a.Kind, s.Name)
		s.State, s.Job = Working, j.ID
		if err != nil {
			b.log.WarnContext(ctx, "work on several servers", "act", a.ID, "server", s.Name, "err", err)
			s.State, s.Why = Skipped, left4me.Shown(err, left4me.NewError(left4me.Unavailable, "internal.log"))
		}
	}
	if a.State = stateOf(a); a.State != Running {
		a.EndedAt = now.UTC().Truncate(time.Millisecond)
		b.log.InfoContext(ctx, "bulk act ended", "act", a.ID, "kind", a.Kind, "state", a.State)
	}
	if a.State == before.State && slices.EqualFunc(a.Servers, before.Servers, same) {
		return a, nil
	}
	return a, b.storage.BulkActs().Set(context.WithoutCancel(ctx), a)
}

func same(a, b Server) bool {
	a.Why, b.Why = nil, nil // they change only together with the state
	return a == b
}

// stateOf returns the state of a bulk action, given the states of its servers. With Now, a failure ends it
// only after the jobs of all other servers, because all jobs start together.
func stateOf(a Act) string {
	in := func(states ...string) bool {
		return slices.ContainsFunc(a.Servers, func(s Server) bool { return slices.Contains(states, s.State) })
	}
	switch {
	case in(Broken) && (a.Mode != string(Now) || !in(Waiting, Working)):
		return Failed
	case in(Waiting, Working):
		return Running
	}
	return Done
}

// next returns the indexes of the servers whose turn it is now. It updates the names of servers, and marks
// those that no longer need the bulk action. It depends on its arguments only.
func next(a *Act, all []servers.View, empty rolloutrules.Since, now time.Time) (begin []int) {
	if stateOf(*a) != Running {
		return nil
	}
	one := a.Mode != string(Now)
	busy := slices.ContainsFunc(a.Servers, func(s Server) bool { return s.State == Working })
	for i := range a.Servers {
		s := &a.Servers[i]
		if s.State != Waiting {
			continue
		}
		at := slices.IndexFunc(all, func(v servers.View) bool { return v.ID == s.ID })
		if at < 0 {
			s.State, s.Why = Skipped, left4me.NewError(left4me.NotFound, "bulk.deleted")
			continue
		}
		v := all[at]
		s.Name = v.Name
		if one && v.Status.State == left4me.Unknown {
			continue // the host does not answer: wait until the state is known
		}
		if why := left(*a, *s, v); why != nil {
			s.State, s.Why = Skipped, why
			continue
		}
		if !one || !busy && waits(*a, v, empty, now).Ready {
			begin = append(begin, i)
			busy = true
		}
	}
	return begin
}

// waits returns the condition that a server waits for.
func waits(a Act, v servers.View, empty rolloutrules.Since, now time.Time) rolloutrules.Wish {
	mode := rolloutrules.Now
	if a.Mode == string(Empty) {
		mode = rolloutrules.Empty
	}
	return mode.Wait(v, empty, a.CreatedAt, now, true)
}

// left returns the reason why a waiting server no longer needs the bulk action, or nil.
func left(a Act, s Server, v servers.View) *left4me.Error {
	if v.Job != nil && v.Job.Kind != left4me.DeleteServer && a.Mode != string(Now) {
		return nil // decided once its job has ended
	}
	if a.Kind == left4me.RestartServer && s.PID != 0 && v.Status.PID != 0 && s.PID != v.Status.PID {
		return left4me.NewError(left4me.Conflict, "bulk.already_restarted")
	}
	return needless(a.Kind, v)
}
