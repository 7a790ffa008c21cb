package game

import (
	"context"
	"errors"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/events"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
)

// Run executes rollouts and policies until ctx ends.
func (g *Game) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer g.running.Wait()
	defer cancel()
	if err := g.start(ctx); err != nil {
		return err
	}
	close(g.ready)
	g.check(ctx, time.Now())
	return nil
}

// Ready is closed once Run is subscribed to hosts and jobs.
func (g *Game) Ready() <-chan struct{} { return g.ready }

func (g *Game) start(ctx context.Context) error {
	err := g.bus.Listen(ctx, bus.Broadcast(bus.AnyHost, bus.KindHello), func(string, []byte) {
		g.running.Go(func() { g.refresh(ctx) })
	})
	if err != nil {
		return err
	}
	// Watchers show the progress of jobs on the game too.
	steps := g.jobs.WatchAll(ctx)
	g.running.Go(func() {
		for j := range steps {
			if j.Kind.Noun() == noun {
				g.notifyWatchers()
			}
		}
	})
	g.running.Go(func() {
		events.Reader{Name: events.GameReader, Work: g.onEvents}.Run(ctx, g.storage, g.log)
	})
	moved := g.servers.Watch(ctx)
	g.running.Go(func() {
		for range moved {
			g.changed()
		}
	})
	return nil
}

// onEvents advances rollouts after the end of a job: one on the game, or the restart of a server.
func (g *Game) onEvents(ctx context.Context, batch []left4me.Event) error {
	ended, onGame := false, false
	for _, e := range batch {
		if e.Kind != left4me.JobEnded {
			continue
		}
		var j left4me.JobEvent
		if err := e.Read(&j); err != nil {
			return err
		}
		ended, onGame = true, onGame || j.Kind.Noun() == noun
	}
	if !ended {
		return nil
	}
	if onGame {
		g.refresh(ctx)
	}
	var errs []error
	for _, host := range g.hosts.All() {
		errs = append(errs, g.advance(ctx, host))
	}
	g.changed()
	return errors.Join(errs...)
}

// refresh queries all hosts.
func (g *Game) refresh(ctx context.Context) {
	for _, host := range g.hosts.All() {
		g.ask(ctx, host)
	}
	g.changed()
}

// check does what is due, after changes and at a fixed interval. Policies only apply once left4me
// has been running for g.startDelay.
func (g *Game) check(ctx context.Context, since time.Time) {
	periodic.Run(ctx, periodic.Schedule{Every: g.checkInterval, Wake: g.wakeup, Pause: pause}, func(ctx context.Context) {
		for _, host := range g.hosts.All() {
			err := g.advance(ctx, host)
			if time.Since(since) >= g.startDelay {
				err = errors.Join(err, g.applyPolicy(ctx, host))
			}
			if err != nil && ctx.Err() == nil {
				g.log.ErrorContext(ctx, "look after the game", "host", host, "err", err)
			}
		}
		g.notifyWatchers()
	})
}
