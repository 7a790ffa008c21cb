package overlays

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
	"github.com/left4me/left4me/internal/store"
)

// States of a Restart: running → done, failed or cancelled.
const (
	RestartRuns      = "running"
	RestartDone      = "done"
	RestartFailed    = "failed"
	RestartCancelled = "cancelled"
)

// Restart is the rollout of a scheduled revision, with the servers still to be restarted.
type Restart struct {
	store.OverlayRestart
	Wishes []rolloutrules.Wish
}

// startRollouts starts rollouts of scheduled revisions whose overlays are set to restart servers.
// It may be called at any time, because an existing rollout is not started again.
func (c *Overlays) startRollouts(ctx context.Context) error {
	k, err := c.known(ctx)
	if err != nil {
		return err
	}
	if k.problem != nil {
		c.built.Store(true) // the next check asks again
		return nil
	}
	// Run and the event reader both call startRollouts, so the rows are read while holding the
	// lock: a rollout that one of them started, or that a user cancelled, must not be started
	// again.
	c.rolloutMu.Lock()
	defer c.rolloutMu.Unlock()
	rows, err := c.storage.OverlayRestarts().List(ctx)
	if err != nil {
		return err
	}
	for name, v := range k.definitions {
		have := k.contents[name]
		i := slices.IndexFunc(have.Revisions, func(r left4me.Revision) bool { return r.Number == have.Current })
		if i < 0 || !v.DeletedAt.IsZero() || v.Refresh.Restart == "" || v.Refresh.Restart == string(rolloutrules.Never) {
			continue
		}
		if slices.ContainsFunc(rows, func(r store.OverlayRestart) bool { return r.Overlay == name && r.Revision >= have.Current }) {
			continue
		}
		if scheduled, err := c.scheduled(ctx, have.Revisions[i]); err != nil {
			return err
		} else if !scheduled {
			continue
		}
		r := store.OverlayRestart{
			Overlay:   name,
			Revision:  have.Current,
			Mode:      v.Refresh.Restart,
			State:     RestartRuns,
			CreatedAt: toMillis(c.now()),
		}
		if err := c.storage.OverlayRestarts().Set(ctx, r); err != nil {
			return err
		}
		c.log.InfoContext(ofRestart(ctx, r), "servers move over to a revision", "overlay", name, "revision", r.Revision, "mode", r.Mode)
	}
	return nil
}

// scheduled reports whether the scheduler requested a revision. Hosts only store a name, which a
// user may have too, so the job decides; without a job the name does.
func (c *Overlays) scheduled(ctx context.Context, r left4me.Revision) (bool, error) {
	if r.By != left4me.BySchedule.Name || r.Job == "" {
		return r.By == left4me.BySchedule.Name, nil
	}
	j, err := c.jobs.Get(ctx, r.Job)
	if errors.Is(err, left4me.NotFound) {
		return true, nil
	}
	return j.By == left4me.BySchedule, err
}

// advance continues the active rollouts as far as possible now. Servers are restarted one at a time
// over all rollouts.
func (c *Overlays) advance(ctx context.Context) error {
	c.rolloutMu.Lock()
	defer c.rolloutMu.Unlock()
	rows, err := c.storage.OverlayRestarts().List(ctx)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r store.OverlayRestart) bool { return r.State != RestartRuns })
	revisions := c.servers.Revisions().Of(c.host)
	all, err := c.servers.List(ctx)
	if err != nil {
		return err
	}
	now := c.now()
	empty := c.empty.Update(all, now)
	c.empty = empty
	if len(rows) == 0 {
		return nil
	}
	for i := range rows {
		if rows[i], err = c.settle(ofRestart(ctx, rows[i]), rows[i]); err != nil {
			return err
		}
	}
	moving := slices.ContainsFunc(rows, func(r store.OverlayRestart) bool { return restarting(r) })
	for _, r := range rows {
		ctx := ofRestart(ctx, r)
		do := next(r, all, empty, now)
		switch i := slices.IndexFunc(do.wishes, func(w rolloutrules.Wish) bool { return w.Ready }); {
		case do.end == RestartDone && outdated(ctx, c.servers.Revisions(), c.host, revisions):
			continue // the list may lack the servers that need a restart; new reports wake Run
		case do.end != "":
			r.State, r.Reason, r.EndedAt = do.end, do.reason, toMillis(now)
			c.log.InfoContext(ctx, "overlay rollout ended", "overlay", r.Overlay, "revision", r.Revision, "state", r.State,
				"reason", r.Reason.Text, "servers", len(r.Moves))
		case i >= 0 && !moving:
			r.Moves = append(r.Moves, c.move(ctx, r, do.wishes[i].Server))
			moving = true
		}
		if err := c.storage.OverlayRestarts().Set(context.WithoutCancel(ctx), r); err != nil {
			return err
		}
	}
	return nil
}

// outdated reports whether the host's current revisions differ from those that servers were listed
// with, or can't be queried.
func outdated(ctx context.Context, revisions servers.Revisions, host left4me.Name, listed map[left4me.Name]int) bool {
	ctx, cancel := context.WithTimeout(ctx, listWithin)
	defer cancel()
	now, err := revisions.Ask(ctx, host)
	return err != nil || !maps.Equal(now, listed)
}

// ofRestart returns ctx with a request id common to all restarts for a revision, so that a single
// search of the log finds them.
func ofRestart(ctx context.Context, r store.OverlayRestart) context.Context {
	return requestid.With(ctx, fmt.Sprintf("restart-%s-%d", r.Overlay, r.Revision))
}

// restarting reports whether a restart is in progress.
func restarting(r store.OverlayRestart) bool {
	return slices.ContainsFunc(r.Moves, func(m store.Move) bool { return m.State == rolloutrules.Moving })
}

// step is the next step of a rollout.
type step struct {
	wishes []rolloutrules.Wish
	end    string
	reason left4me.Note
}

// next decides the next step of a rollout. It depends on its arguments only.
func next(r store.OverlayRestart, all []servers.View, empty rolloutrules.Since, now time.Time) step {
	if i := slices.IndexFunc(r.Moves, func(m store.Move) bool { return m.State == rolloutrules.Broken }); i >= 0 {
		m := r.Moves[i]
		return step{end: RestartFailed, reason: rolloutrules.NotUpWithRevision(m, r.Revision)}
	}
	var out step
	unsure := false
	for _, v := range all {
		unsure = unsure || v.Status.State == left4me.Unknown
		i := slices.IndexFunc(v.NewContent, func(x left4me.OverlayChange) bool { return x.Overlay == r.Overlay })
		if i < 0 || !v.Status.State.Up() {
			continue
		}
		x := v.NewContent[i]
		if x.From == 0 || x.To != r.Revision {
			continue // a user added the overlay or chose another revision, and decides when to restart
		}
		if slices.ContainsFunc(r.Moves, func(m store.Move) bool { return m.Server == v.Name }) {
			continue
		}
		out.wishes = append(out.wishes, rolloutrules.Mode(r.Mode).Wait(v, empty, r.CreatedAt, now, len(r.Moves) > 0))
	}
	if len(out.wishes) == 0 && !unsure && !restarting(r) {
		out.end = RestartDone
	}
	return out
}

// move restarts a server.
func (c *Overlays) move(ctx context.Context, r store.OverlayRestart, name left4me.Name) store.Move {
	m := store.Move{Server: name, State: rolloutrules.Moving}
	by := left4me.BySystem(fmt.Sprintf("%s, for revision %d of %s", left4me.BySchedule, r.Revision, r.Overlay))
	j, err := c.servers.Act(ctx, by, left4me.RestartServer, name)
	m.Job = j.ID
	if err != nil { // the server is deleted or being deleted
		c.log.WarnContext(ctx, "restart for a revision", "server", name, "err", err)
		m = rolloutrules.Refused(m, err)
	}
	return m
}

// settle records the results of ended restarts.
func (c *Overlays) settle(ctx context.Context, r store.OverlayRestart) (store.OverlayRestart, error) {
	r.Moves = slices.Clone(r.Moves)
	for i, m := range r.Moves {
		if m.State != rolloutrules.Moving {
			continue
		}
		j, err := c.jobs.Get(ctx, m.Job)
		switch {
		case errors.Is(err, left4me.NotFound):
			r.Moves[i] = rolloutrules.Missing(m)
		case err != nil:
			return r, err
		default:
			r.Moves[i] = rolloutrules.Settle(m, j)
		}
	}
	return r, nil
}

// Restart returns the rollout of the latest scheduled revision of an overlay, active or ended, or
// nil if there is none.
func (c *Overlays) Restart(ctx context.Context, name left4me.Name) (*Restart, error) {
	rows, err := c.storage.OverlayRestarts().List(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(rows, func(r store.OverlayRestart) bool { return r.Overlay == name })
	if i < 0 {
		return nil, nil
	}
	r, err := c.settle(ctx, rows[i])
	if err != nil {
		return nil, err
	}
	v := &Restart{OverlayRestart: r}
	if r.State != RestartRuns {
		return v, nil
	}
	all, err := c.servers.List(ctx)
	if err != nil {
		return nil, err
	}
	c.rolloutMu.Lock()
	defer c.rolloutMu.Unlock()
	v.Wishes = next(r, all, c.empty, c.now()).wishes
	return v, nil
}

// CancelRestart cancels the rollout of an overlay: servers not yet restarted keep their revision,
// and a restart in progress continues. A rollout that has ended is returned unchanged. Errors:
// left4me.NotFound if there is no rollout.
func (c *Overlays) CancelRestart(ctx context.Context, by left4me.Actor, name left4me.Name) (*Restart, error) {
	c.rolloutMu.Lock()
	defer c.rolloutMu.Unlock()
	rows, err := c.storage.OverlayRestarts().List(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(rows, func(r store.OverlayRestart) bool { return r.Overlay == name })
	if i < 0 {
		return nil, left4me.NewError(left4me.NotFound, "overlay.no_rollout", "overlay", name)
	}
	r, err := c.settle(ctx, rows[i])
	if err != nil || r.State != RestartRuns {
		return &Restart{OverlayRestart: r}, err
	}
	r.State, r.Reason, r.EndedAt = RestartCancelled, rolloutrules.CancelledBy(by), toMillis(c.now())
	c.log.InfoContext(ctx, "servers stay at their revisions", "overlay", name, "revision", r.Revision, "by", by.String())
	return &Restart{OverlayRestart: r}, c.storage.OverlayRestarts().Set(context.WithoutCancel(ctx), r)
}
