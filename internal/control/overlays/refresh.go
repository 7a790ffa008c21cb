package overlays

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/control/events"
	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
	"github.com/left4me/left4me/internal/store"
)

const (
	checkEvery        = 20 * time.Second       // interval for checking what is due
	pause             = 200 * time.Millisecond // minimum time between two checks
	defaultStartDelay = 5 * time.Minute        // delay after a start before anything is done automatically
	tidyEvery         = 24 * time.Hour
	keepDeleted       = 7 * 24 * time.Hour // minimum retention of definitions of deleted overlays
)

// Run updates overlays on schedule, restarts servers for scheduled revisions, and removes unused
// content, until ctx ends.
func (c *Overlays) Run(ctx context.Context) error {
	changed := c.servers.Watch(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { events.Reader{Name: events.OverlaysReader, Work: c.onEvents}.Run(ctx, c.storage, c.log) })
	running.Go(func() {
		for range changed {
			c.wake(false)
		}
	})
	began := time.Now()
	c.wake(true) // for revisions that were built while left4me wasn't running
	periodic.Run(ctx, periodic.Schedule{Every: c.checkInterval, Wake: c.wakeup, Pause: pause}, func(ctx context.Context) {
		err := c.maintain(ctx, time.Since(began) >= c.startDelay)
		if err != nil && ctx.Err() == nil {
			c.log.ErrorContext(ctx, "look after overlays", "err", err)
		}
	})
	return nil
}

// onEvents starts the rollout of a new revision, and continues rollouts that wait for a job.
func (c *Overlays) onEvents(ctx context.Context, batch []left4me.Event) error {
	ended, built := false, false
	for _, e := range batch {
		if e.Kind != left4me.JobEnded {
			continue
		}
		var j left4me.JobEvent
		if err := e.Read(&j); err != nil {
			return err
		}
		ended, built = true, built || j.Kind == left4me.BuildOverlay
	}
	if built {
		if err := c.startRollouts(ctx); err != nil {
			return err
		}
	}
	if !ended {
		return nil
	}
	err := c.advance(ctx)
	c.wake(false) // the next due build starts when the previous one has ended
	return err
}

// wake triggers a check of what is due; built means that there may be a new revision. It never
// blocks.
func (c *Overlays) wake(built bool) {
	if built {
		c.built.Store(true)
	}
	select {
	case c.wakeup <- struct{}{}:
	default:
	}
}

// maintain starts and continues rollouts, and does scheduled work that is due if begin is set.
func (c *Overlays) maintain(ctx context.Context, begin bool) error {
	var errs []error
	if c.built.Swap(false) {
		if err := c.startRollouts(ctx); err != nil {
			c.built.Store(true) // the next check tries again
			errs = append(errs, err)
		}
	}
	errs = append(errs, c.advance(ctx))
	if begin {
		errs = append(errs, c.refresh(ctx), c.tidy(ctx))
	}
	return errors.Join(errs...)
}

// refresh adds the build that has been due longest, unless a scheduled build is active. Scheduled
// builds run one at a time, so that many overlays don't flood Steam with requests.
func (c *Overlays) refresh(ctx context.Context) error {
	active, err := c.jobs.Active(ctx, left4me.BuildOverlay.Noun())
	if err != nil {
		return err
	}
	for _, j := range active {
		if j.By == left4me.BySchedule {
			return nil
		}
	}
	all, err := c.storage.Overlays().List(ctx)
	if err != nil {
		return err
	}
	now := c.now()
	all = slices.DeleteFunc(all, func(v store.Overlay) bool {
		_, busy := active[v.Name]
		return busy || v.Refresh.Hours == 0 || !v.DeletedAt.IsZero() || due(v.Refresh, lastCheck(v, now), now).After(now)
	})
	if len(all) == 0 {
		return nil
	}
	v := slices.MinFunc(all, func(a, b store.Overlay) int { return lastCheck(a, now).Compare(lastCheck(b, now)) })
	_, err = c.Build(ctx, left4me.BySchedule, v.Name, Request{Note: "kept up to date"})
	return err
}

// lastCheck returns when the overlay was last checked for a newer version. A time in the future
// dates from before the clock was set back.
func lastCheck(v store.Overlay, now time.Time) time.Time {
	at := v.CheckedAt
	if at.IsZero() {
		at = v.CreatedAt
	}
	if at.After(now) {
		return now
	}
	return at
}

// due returns when an overlay is to be checked next. With a time of day, it is the occurrence
// nearest to r.Hours after the last check, so that a long check doesn't delay the next one by a
// day. The result may be in the past if left4me wasn't running then.
func due(r left4me.Refresh, last, now time.Time) time.Time {
	every := time.Duration(r.Hours) * time.Hour
	if r.At == "" {
		return last.Add(every)
	}
	_, at := rolloutrules.Within(r.At, time.Time{}, last.In(now.Location()).Add(every-min(every/2, 12*time.Hour)))
	return at
}
