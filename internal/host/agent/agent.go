// Package agent is the side of left4me that runs games: the agent of a machine.
//
// It works on the jobs that come over the bus, answers what the other side asks,
// and tells what its servers are doing. What it tells comes from the supervisor
// and the shims; when it starts it checks what is there, so that it may be
// ended at any moment without any game server noticing.
//
// What an agent answers is the table in requests.go, and what it works on the
// table in job_kinds.go. Each of them names the type that does it: there is one
// for servers, their statuses, their consoles, overlays, the game, backups.
package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/content/build"
	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/content/stack"
	"github.com/left4me/left4me/internal/host/content/workshop"
	"github.com/left4me/left4me/internal/host/gamefiles/game"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
)

// sweepEvery is how often the agent looks for servers that were started or
// ended behind its back.
const sweepEvery = 5 * time.Second

// Agent is the agent of one host.
type Agent struct {
	core      *core
	disks     *disks
	jobs      *jobs
	statuses  *statuses
	servers   *servers
	crashes   *crashes
	consoles  *consoles
	diagnosis *diagnosis
	stacks    *stacks
	campaigns *campaigns
	overlays  *overlayContent
	builds    *build.Builder
	workshop  *workshop.Source
	game      *gameJobs
	backups   *backups

	handlers sync.WaitGroup // of the bus
	ready    chan struct{}  // closed when it answers
}

// New makes an agent. Run must run.
func New(c Config, machine Machine, b *bus.Bus, log *slog.Logger) (*Agent, error) {
	a := &Agent{ready: make(chan struct{})}
	a.core = &core{Config: c, machine: machine, bus: b.Under(&a.handlers), log: log.With("host", c.Host)}
	installation := game.Open(string(c.Files.Root), c.Files.Group)
	repo := overlays.Open(string(c.Files.Root), c.Files.Group)

	a.disks = newDisks(a.core)
	a.crashes = &crashes{core: a.core}
	var err error
	if a.statuses, err = newStatuses(a.core, a.disks, a.crashes); err != nil {
		return nil, err
	}
	use := &layerUse{core: a.core, disks: a.disks, pins: newLayerPins()}
	a.campaigns = newCampaigns(a.core, installation)
	a.servers = newServers(a.core, a.statuses, use, a.campaigns)
	a.consoles = &consoles{core: a.core, statuses: a.statuses}
	a.diagnosis = &diagnosis{core: a.core, statuses: a.statuses, consoles: a.consoles}
	a.stacks = &stacks{core: a.core}
	a.overlays = &overlayContent{core: a.core, repo: repo, layers: use}
	if err := a.newBuilder(repo); err != nil {
		return nil, err
	}
	a.game = newGameJobs(a.core, a.disks, installation, use, a.statuses.ended)
	a.backups = &backups{core: a.core}
	a.jobs = newJobs(a.core, a.disks, a.runners())
	return a, nil
}

func (a *Agent) newBuilder(repo *overlays.Repository) error {
	c := a.core
	downloads, err := download.New(c.Downloads)
	if err != nil {
		return err
	}
	a.workshop = workshop.New(workshop.Options{
		Dir:       filepath.Join(string(c.Files.Root), "workshop_cache"),
		API:       c.Steam.API,
		Downloads: downloads,
	})
	a.builds = build.New(build.Options{
		Files: c.Files, Repository: repo, Downloads: downloads, Workshop: a.workshop, Machine: c.machine, GitHub: c.GitHub,
		Decoder: c.Decoder, Log: c.log,
		Written:   func(n left4me.Name) (*stack.Stack, error) { return a.stacks.running(n, true, nil) },
		Published: a.overlays.publishCurrents,
	})
	return nil
}

// Run works until ctx ends, and returns when everything that it began has
// ended. Jobs that it leaves unfinished are begun again by its successor.
func (a *Agent) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	a.core.group, a.core.ctx = group, ctx
	group.Go(func() error { return a.statuses.poller.Run(ctx) })
	group.Go(func() error { a.game.tidyUp(ctx); return nil })
	group.Go(func() error { a.builds.SweepScripts(ctx); return nil })
	served := make(chan struct{})
	group.Go(func() error {
		defer close(served)
		return a.serve(ctx)
	})
	<-ctx.Done()
	<-served          // it may still begin handlers
	a.handlers.Wait() // they may add to the group
	return group.Wait()
}

// Ready is closed when the agent answers and has said so: not before it follows
// the servers that it found.
func (a *Agent) Ready() <-chan struct{} { return a.ready }

// serve answers, then works on jobs, and looks for servers until ctx ends. It
// answers first: what an agent before it left half-made may take long to remove.
func (a *Agent) serve(ctx context.Context) error {
	if err := a.answer(ctx); err != nil {
		return err
	}
	c := a.core
	if err := c.Files.UndoRenames(); err != nil {
		c.log.ErrorContext(ctx, "renames that were cut", "err", err)
	}
	a.statuses.rememberNames()
	a.statuses.sweep(ctx)
	if err := c.bus.Publish(bus.Broadcast(c.Host, bus.KindHello),
		bus.Hello{V: bus.Version, Version: c.Version, BootID: c.BootID}); err != nil {
		return err
	}
	close(a.ready)
	if c.bus.Anew() {
		c.group.Go(func() error { a.crashes.publishAll(ctx); return nil })
	}
	a.backups.sweep()
	a.overlays.sweep(ctx)
	err := c.bus.Work(ctx, c.Host, func(d bus.Delivery) {
		c.group.Go(func() error {
			a.jobs.work(ctx, d)
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("agent of %s: %w", c.Host, err)
	}
	c.group.Go(func() error {
		periodic.Run(ctx, periodic.Schedule{Every: sweepEvery}, func(ctx context.Context) {
			a.statuses.rememberNames()
			a.statuses.sweep(ctx)
		})
		return nil
	})
	for {
		select {
		case <-a.disks.changed:
			a.statuses.publishAll(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// BootID identifies this boot of the machine, or is empty when the kernel doesn't
// say.
func BootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
