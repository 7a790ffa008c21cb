// Package agent implements the agent of a host: the part of left4me that runs game servers.
//
// The agent carries out jobs from the bus, answers requests from control, and publishes the status
// of its servers. It reads that status from the supervisor and the shims, and checks it again when
// it starts. The agent may therefore be killed at any moment without affecting a running server.
//
// The table in requests.go lists the requests that an agent answers, the table in job_kinds.go the
// jobs that it carries out. Each entry names the type that does the work: there is one type each
// for servers, statuses, consoles, overlays, the game and backups.
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

// sweepEvery is the interval at which the agent looks for servers that were started or stopped by
// other means.
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

	handlers sync.WaitGroup // bus requests in progress
	ready    chan struct{}  // closed when the agent answers requests
}

// New returns an agent that does nothing until [Agent.Run] is called.
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

// Run answers requests and carries out jobs until ctx ends. It returns after everything that it
// started has ended. The next agent of this host resumes unfinished jobs.
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
	<-served          // serve may still start handlers
	a.handlers.Wait() // handlers may still add to the group
	return group.Wait()
}

// Ready returns a channel that is closed once the agent follows all servers that it found, answers
// requests, and has announced itself on the bus.
func (a *Agent) Ready() <-chan struct{} { return a.ready }

// serve answers requests, then carries out jobs and looks for servers until ctx ends. It answers
// requests first because removing the partial files of an interrupted agent can take long.
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
		bus.Hello{V: bus.Version, Version: c.Version, BootID: c.BootID, Address: ownAddress()}); err != nil {
		return err
	}
	close(a.ready)
	if c.bus.IsNewStore() {
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

// BootID returns the kernel's id of the current boot, or "" if it cannot be read.
func BootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
