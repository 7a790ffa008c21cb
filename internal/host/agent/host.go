// Package agent is the side of left4me that runs games: the agent of a machine.
//
// It works on the jobs that come over the bus, answers what the other side asks,
// and tells what its servers are doing. What it tells comes from the supervisor
// and the shims; when it starts it looks at what is there, so that it may be
// ended at any moment without any game server noticing.
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
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/host/content/catalog"
	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/content/script"
	"github.com/left4me/left4me/internal/host/content/workshop"
	"github.com/left4me/left4me/internal/host/diagnosis/poller"
	"github.com/left4me/left4me/internal/host/gamefiles/game"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// sweepEvery is how often the agent looks for servers that were started or
// ended behind its back.
const sweepEvery = 5 * time.Second

// Supervisor starts and stops the shims of a host. Methods may be called
// concurrently for different servers.
type Supervisor interface {
	// Start launches a server; one that is up already is success. It returns
	// when the shim was launched and its layers are mounted, before the server is
	// ready. With an error nothing is left of what it began, or State says that the
	// server is up.
	Start(ctx context.Context, name left4me.Name) error
	// Stop runs the stop sequence and returns when the server has ended and
	// nothing is mounted for it. One that is not up is success. One that was never
	// ready ends within cancelWithin, by force if need be.
	Stop(ctx context.Context, name left4me.Name) error
	// State is the server as the supervisor sees it, and why when it failed.
	State(ctx context.Context, name left4me.Name) (left4me.ServerState, string, error)
	// GaveUp reports whether a server that failed crashed or ended so often that
	// it is not started again.
	GaveUp(ctx context.Context, name left4me.Name) (bool, error)
	// List returns every server that has something alive.
	List(ctx context.Context) ([]left4me.Name, error)
	// Empty removes what a server that is down has in its runtime directory, as far
	// as the user of the games may. Errors: left4me.Busy when it is up.
	Empty(ctx context.Context, name left4me.Name) error
	// Discard drops what a server that is down wrote at some paths. Errors:
	// left4me.Busy when it is up.
	Discard(ctx context.Context, name left4me.Name, paths []string) error
}

// Installer runs `left4me install-game`, which outlives the agent.
type Installer interface {
	// StartInstall starts it; one that runs already is success.
	StartInstall(ctx context.Context) error
	// Installing reports whether it runs. When it doesn't, its mount is gone, and
	// why says how it failed, if it could say so itself to nobody else.
	Installing(ctx context.Context) (runs bool, why string, err error)
	// StopInstall ends it with all that it started, within 5 s.
	StopInstall(ctx context.Context) error
}

// Machine is what runs things on a host.
type Machine interface {
	Supervisor
	Installer
	script.Machine
}

// Config says which host an agent speaks for and where its files are.
type Config struct {
	Host    left4me.Name
	Files   instance.Files
	Sockets string // directory of the shims' sockets
	Version string
	BootID  string // of this boot of the machine; empty when it isn't known
	// Settings is the directory of the *.env files that backups keep; empty when
	// there is none.
	Settings  string
	Steam     SteamConfig
	Downloads download.Options // of everything that overlays are made of
	GitHub    string           // LEFT4ME_GITHUB_API_URL: where releases are looked for; empty: GitHub

	// Decoder is the command line of a process that calls archive.Decode; empty:
	// archives are read in this one.
	Decoder []string

	// Relieve gives back space when a disk is full and reports whether it did; nil:
	// nothing does.
	Relieve func() bool

	Doctor        func(context.Context) []left4me.Check // looks at this machine
	PublicAddress string                                // under which players come; empty: it is found out
}

// Agent is the agent of one host.
type Agent struct {
	Config
	supervisor Supervisor
	installer  Installer
	machine    script.Machine
	game       *game.Installation
	content    *overlays.Shelf
	catalog    *catalog.Catalog
	downloads  *download.Client
	workshop   *workshop.Source
	bus        *bus.Bus
	log        *slog.Logger
	poller     *poller.Poller
	group      *errgroup.Group
	ctx        context.Context // of Run: what outlives a job hangs on it
	ready      chan struct{}   // closed when it answers
	handlers   sync.WaitGroup  // of the bus
	looks      looks
	starts     turns

	launchWithin time.Duration // what a start may take from its turn until its shim answers

	disks      *disk.Watch
	backupDisk *disk.Watch

	working chan struct{} // holds one while something changes the game: a job, or tidying up
	mounts  *mounts
	downs   chan struct{} // somebody may have let go of layers

	wentOrCame chan struct{} // holds one when gone has changed

	looking sync.Mutex // one look at the disks at a time; held before mu

	mu      sync.Mutex
	servers map[left4me.Name]*follower
	jobs    map[left4me.JobID]*task
	gone    *left4me.Error // what the last look at the disks found
	names   []left4me.Name // the servers that were there before a disk had gone
}

// New makes an agent. Run must run.
func New(c Config, machine Machine, b *bus.Bus, log *slog.Logger) (*Agent, error) {
	a := &Agent{
		Config: c, supervisor: machine, installer: machine, machine: machine, game: game.Open(string(c.Files.Root), c.Files.Group),
		content: overlays.Open(string(c.Files.Root), c.Files.Group), catalog: catalog.New(), working: make(chan struct{}, 1),
		mounts: newMounts(), downs: make(chan struct{}, 1), ready: make(chan struct{}), log: log.With("host", c.Host),
		servers: map[left4me.Name]*follower{}, jobs: map[left4me.JobID]*task{}, starts: newTurns(startsAtOnce()),
		launchWithin: launchWithin,
		wentOrCame:   make(chan struct{}, 1),
	}
	a.disks, a.backupDisk = watchDisks(c.Files.Root)
	a.bus = b.Under(&a.handlers)
	var err error
	if a.poller, err = poller.New(a.sampled); err != nil {
		return nil, err
	}
	if a.downloads, err = download.New(c.Downloads); err != nil {
		return nil, err
	}
	a.workshop = workshop.New(workshop.Options{
		Dir:       filepath.Join(string(c.Files.Root), "workshop_cache"),
		API:       c.Steam.API,
		Downloads: a.downloads,
	})
	return a, nil
}

// Run works until ctx ends, and returns when everything that it began has
// ended. Jobs that it leaves unfinished are begun again by its successor.
func (a *Agent) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	a.group, a.ctx = group, ctx
	group.Go(func() error { return a.poller.Run(ctx) })
	group.Go(func() error { a.tidyGame(ctx); return nil })
	group.Go(func() error { a.sweepScripts(ctx); return nil })
	group.Go(func() error { return a.serve(ctx) })
	<-ctx.Done()
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
	a.remember()
	a.sweep(ctx)
	if err := a.bus.Publish(bus.Live(a.Host, bus.KindHello), bus.Hello{V: bus.Version, Version: a.Version, BootID: a.BootID}); err != nil {
		return err
	}
	close(a.ready)
	if a.bus.Anew() {
		a.group.Go(func() error { a.tellCrashes(ctx); return nil })
	}
	a.sweepBackups()
	a.sweepContent(ctx)
	err := a.bus.Work(ctx, a.Host, func(d bus.Delivery) {
		a.group.Go(func() error {
			a.work(ctx, d)
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("agent of %s: %w", a.Host, err)
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.remember()
			a.sweep(ctx)
		case <-a.wentOrCame:
			a.tellAll(ctx)
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

// sweep follows every server that is alive and isn't followed yet.
func (a *Agent) sweep(ctx context.Context) {
	ctx2, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	names, err := a.supervisor.List(ctx2)
	if err != nil {
		if ctx.Err() == nil {
			a.log.Error("list servers", "err", err)
		}
		return
	}
	for _, n := range names {
		a.found(ctx2, n)
		a.follow(n)
	}
}

// found notes how a server is that nobody has followed yet, before its shim has
// said so: who asks meanwhile would take it for stopped, and start it.
func (a *Agent) found(ctx context.Context, n left4me.Name) {
	a.mu.Lock()
	known := a.servers[n] != nil
	a.mu.Unlock()
	if known {
		return
	}
	st, err := a.state(ctx, n)
	if err != nil {
		a.log.Warn("state", "server", n, "err", err)
		st = left4me.Status{Name: n, State: left4me.Unknown}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.servers[n] == nil { // a job may have begun meanwhile
		a.servers[n] = &follower{status: st}
	}
}

// answer serves what the other side asks of this host.
func (a *Agent) answer(ctx context.Context) error {
	return a.bus.Answer(ctx, bus.Command(a.Host, "*"), func(ctx context.Context, subject string, data []byte) (any, error) {
		verb := bus.VerbOf(subject)
		if err := a.checkDisks(verb); err != nil {
			return nil, err
		}
		if v, ok, err := a.answerContent(ctx, verb, data); ok {
			return v, err
		}
		switch verb {
		case bus.VerbStatus:
			return a.statuses(ctx)
		case bus.VerbPing:
			return bus.Empty{V: bus.Version}, nil
		case bus.VerbPort:
			return with(data, func(r bus.PortRequest) (any, error) {
				return bus.Empty{V: bus.Version}, shim.PortFree(a.Files.Root, r.Port)
			})
		case bus.VerbWork:
			return with(data, func(m bus.JobMessage) (any, error) { return bus.Empty{V: bus.Version}, a.workDirectly(m) })
		case bus.VerbStop:
			return with(data, func(m bus.JobMessage) (any, error) { return bus.Empty{V: bus.Version}, a.stopDirectly(m) })
		case bus.VerbCancel:
			return with(data, func(r bus.CancelRequest) (any, error) { return bus.Empty{V: bus.Version}, a.cancel(r.ID) })
		case bus.VerbConsole:
			return with(data, func(r bus.ConsoleRequest) (any, error) { return a.console(ctx, r) })
		case bus.VerbCommand:
			return with(data, func(r bus.CommandRequest) (any, error) { return a.command(ctx, r) })
		case bus.VerbBackups:
			return a.shelf().List()
		case bus.VerbDropBackup:
			return with(data, func(r bus.BackupRequest) (any, error) { return bus.Empty{V: bus.Version}, a.shelf().Delete(r.Name) })
		case bus.VerbGame:
			return a.gameNow(ctx)
		case bus.VerbPin:
			return with(data, func(r bus.PinRequest) (any, error) { return a.pin(ctx, r.Pinned) })
		case bus.VerbDoctor:
			return a.doctor(ctx)
		case bus.VerbStack, bus.VerbStackDiff, bus.VerbStackFile, bus.VerbUpper:
			return a.merged(ctx, bus.VerbOf(subject), data)
		case bus.VerbWorkshop:
			return with(data, func(w left4me.Workshop) (any, error) { return a.workshop.Look(ctx, w) })
		case bus.VerbConfigDiff:
			return with(data, a.configDiff)
		case bus.VerbReach:
			return with(data, func(r bus.ReachRequest) (any, error) { return a.reach(ctx, r) })
		}
		return nil, left4me.Errorf(left4me.Invalid, "host %s does not know %q", a.Host, subject).WithHint("bring left4me there up to date")
	})
}

// with decodes a request for its verb.
func with[T any](data []byte, f func(T) (any, error)) (any, error) {
	var r T
	if err := bus.Decode(data, &r); err != nil {
		return nil, err
	}
	return f(r)
}
