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
	checkEvery  = 20 * time.Second       // for what is due
	pause       = 200 * time.Millisecond // between two checks, however much happens
	quietStart  = 5 * time.Minute        // in which nothing is begun that nobody asked for
	tidyEvery   = 24 * time.Hour
	keepDeleted = 7 * 24 * time.Hour // definitions of deleted overlays, at least
)

// Run brings overlays up to date when they are due, restarts servers for what
// came by itself, and removes what nothing needs, until ctx ends.
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
	c.wake(true) // for what came when nobody looked
	periodic.Run(ctx, periodic.Schedule{Every: c.every, Wake: c.poke, Pause: pause}, func(ctx context.Context) {
		err := c.maintain(ctx, time.Since(began) >= c.quiet)
		if err != nil && ctx.Err() == nil {
			c.log.ErrorContext(ctx, "look after overlays", "err", err)
		}
	})
	return nil
}

// onEvents begins the restarts for a revision that was built, and goes on with those
// that wait for a job.
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
		if err := c.notice(ctx); err != nil {
			return err
		}
	}
	if !ended {
		return nil
	}
	err := c.advance(ctx)
	c.wake(false) // the next build that is due begins when the one before has ended
	return err
}

// wake makes Run look at what is due; built says that a revision may be new. It
// never waits.
func (c *Overlays) wake(built bool) {
	if built {
		c.built.Store(true)
	}
	select {
	case c.poke <- struct{}{}:
	default:
	}
}

// maintain does what is due.
func (c *Overlays) maintain(ctx context.Context, begin bool) error {
	var errs []error
	if c.built.Swap(false) {
		if err := c.notice(ctx); err != nil {
			c.built.Store(true) // the next look tries again
			errs = append(errs, err)
		}
	}
	errs = append(errs, c.advance(ctx))
	if begin {
		errs = append(errs, c.refresh(ctx), c.tidy(ctx))
	}
	return errors.Join(errs...)
}

// refresh asks for the build that has been due longest, unless one that nobody
// asked for is under way: one at a time, so that nights with many overlays are
// no flood for Steam.
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

// lastCheck is when somebody last checked for something newer. What lies in the
// future is from before the clock was set.
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

// due is when an overlay that was looked at is to be looked at again. With an
// hour of the day it is that hour which is nearest to so many hours later: a
// look that took a while doesn't put off the next one by a day. It may be over,
// when left4me did not run then.
func due(r left4me.Refresh, last, now time.Time) time.Time {
	every := time.Duration(r.Hours) * time.Hour
	if r.At == "" {
		return last.Add(every)
	}
	_, at := rolloutrules.Within(r.At, time.Time{}, last.In(now.Location()).Add(every-min(every/2, 12*time.Hour)))
	return at
}
