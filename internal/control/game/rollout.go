package game

import (
	"context"
	"errors"
	"fmt"

	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
	"github.com/left4me/left4me/internal/store"
)

// advance carries out the steps of a host's rollout that are possible now.
func (g *Game) advance(ctx context.Context, host left4me.Name) error {
	g.rolloutMu.Lock()
	defer g.rolloutMu.Unlock()
	r, err := g.storage.Game().Rollout(ctx, host)
	if errors.Is(err, left4me.NotFound) || err == nil && ended(r) {
		return nil
	}
	if err != nil {
		return err
	}
	if j, err := g.jobs.Get(ctx, r.Job); err == nil { // every step logs the id of the request that caused the rollout
		ctx = requestid.With(ctx, j.RequestID)
	}
	if r.State == Waiting {
		begun, err := g.begin(ctx, &r)
		if err != nil || !begun {
			return err
		}
	}
	s, err := g.situation(ctx, host)
	if err != nil {
		return err
	}
	if err := g.settleAll(ctx, &r); err != nil {
		return err
	}
	do := next(r, s)
	for _, name := range do.restart {
		r.Moves = append(r.Moves, g.move(ctx, r, name))
	}
	if do.end != "" {
		r.State, r.Reason, r.EndedAt = do.end, do.reason, g.now().UTC()
		g.log.InfoContext(ctx, "rollout ended", "host", host, "build", r.Build, "state", r.State, "reason", r.Reason.Text, "servers",
			len(r.Moves))
	}
	return g.saveRollout(ctx, r)
}

// begin starts a rollout once its job is done, and reports whether it is running.
func (g *Game) begin(ctx context.Context, r *store.Rollout) (bool, error) {
	j, err := g.jobs.Get(ctx, r.Job)
	switch {
	case errors.Is(err, left4me.NotFound):
		r.State, r.Reason = Cancelled, left4me.NewNote("rollout.job_missing")
	case err != nil:
		return false, err
	case !j.State.Ended():
		return false, nil
	case j.State == left4me.JobCancelled:
		r.State, r.Reason = Cancelled, left4me.NewNote("rollout.job_cancelled")
	case j.State != left4me.JobDone:
		r.State, r.Reason = Cancelled, left4me.NewNote("rollout.job_failed")
	default:
		// The last answer of the host may be older than the end of the job.
		a := g.ask(ctx, r.Host)
		if a.problem != nil || a.game.Current == 0 {
			return false, nil // the next check asks again
		}
		r.State, r.Build, r.BegunAt = Running, a.game.Current, g.now().UTC()
		g.log.InfoContext(ctx, "rollout begins", "host", r.Host, "build", r.Build, "mode", r.Mode, "by", r.By.String())
		return true, g.saveRollout(ctx, *r)
	}
	r.EndedAt = g.now().UTC()
	return false, g.saveRollout(ctx, *r)
}

// move restarts a server for a rollout.
func (g *Game) move(ctx context.Context, r store.Rollout, name left4me.Name) store.Move {
	m := store.Move{Server: name, State: Moving}
	j, err := g.servers.Act(ctx, left4me.BySystem(fmt.Sprintf("rollout of %s to build %d", r.By, r.Build)), left4me.RestartServer, name)
	m.Job = j.ID
	if err != nil { // the server is deleted or being deleted
		g.log.WarnContext(ctx, "rollout", "server", name, "err", err)
		m = rolloutrules.Refused(m, err)
	}
	return m
}

// settleAll records the results of ended restarts.
func (g *Game) settleAll(ctx context.Context, r *store.Rollout) error {
	for i, m := range r.Moves {
		if m.State != Moving {
			continue
		}
		j, err := g.jobs.Get(ctx, m.Job)
		if err != nil && !errors.Is(err, left4me.NotFound) {
			return err
		}
		if err != nil {
			r.Moves[i] = rolloutrules.Missing(m)
			continue
		}
		r.Moves[i] = rolloutrules.Settle(m, j)
	}
	return nil
}

// situation returns the current state of a host and its servers.
func (g *Game) situation(ctx context.Context, host left4me.Name) (situation, error) {
	all, err := g.servers.List(ctx)
	if err != nil {
		return situation{}, err
	}
	s := situation{now: g.now()}
	for _, v := range all {
		if v.Host == host {
			s.servers = append(s.servers, v)
		}
	}
	if a := g.last(host); a.problem == nil {
		s.build = a.game.Current
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.empty = g.empty.Update(all, s.now)
	s.empty = g.empty
	return s, nil
}

// saveRollout stores a rollout if it changed, and notifies watchers.
func (g *Game) saveRollout(ctx context.Context, r store.Rollout) error {
	if old, err := g.storage.Game().Rollout(ctx, r.Host); err == nil && same(old, r) {
		return nil
	}
	err := g.storage.Game().SetRollout(context.WithoutCancel(ctx), r)
	g.changed()
	return err
}

// same reports whether two rows of a rollout are equal.
func same(a, b store.Rollout) bool {
	if a.State != b.State || len(a.Moves) != len(b.Moves) {
		return false
	}
	for i := range a.Moves {
		if !a.Moves[i].Same(b.Moves[i]) {
			return false
		}
	}
	return true
}

// Rollout returns the newest rollout of a host, active or ended, or nil if there is none. Errors:
// left4me.NotFound for an unknown host.
func (g *Game) Rollout(ctx context.Context, host left4me.Name) (*Rollout, error) {
	if err := g.hosts.Known(host); err != nil {
		return nil, err
	}
	r, err := g.storage.Game().Rollout(ctx, host)
	if errors.Is(err, left4me.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := g.settleAll(ctx, &r); err != nil {
		return nil, err
	}
	v := &Rollout{Rollout: r}
	if r.State == Running {
		s, err := g.situation(ctx, host)
		if err != nil {
			return nil, err
		}
		v.Wishes = next(r, s).wishes
	}
	return v, nil
}

// CancelRollout ends a rollout: servers not yet restarted keep their build, and restarts in
// progress continue. A rollout that has ended is returned unchanged. Errors: left4me.NotFound for
// an unknown host or without a rollout.
func (g *Game) CancelRollout(ctx context.Context, by left4me.Actor, host left4me.Name) (*Rollout, error) {
	if err := g.hosts.Known(host); err != nil {
		return nil, err
	}
	g.rolloutMu.Lock()
	defer g.rolloutMu.Unlock()
	r, err := g.storage.Game().Rollout(ctx, host)
	if errors.Is(err, left4me.NotFound) {
		return nil, left4me.NewError(left4me.NotFound, "rollout.none", "host", host)
	}
	if err != nil || ended(r) {
		return &Rollout{Rollout: r}, err
	}
	if err := g.settleAll(ctx, &r); err != nil {
		return nil, err
	}
	r.State, r.Reason, r.EndedAt = Cancelled, rolloutrules.CancelledBy(by), g.now().UTC()
	g.log.InfoContext(ctx, "rollout cancelled", "host", host, "build", r.Build, "by", by.String())
	return &Rollout{Rollout: r}, g.saveRollout(ctx, r)
}
