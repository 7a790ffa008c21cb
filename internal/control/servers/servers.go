// Package servers is the side of dedicated servers that people talk to: their
// definitions, what each one is doing now, and the jobs that change that.
//
// What a server is doing comes from its host and from nowhere else. While a
// host can't be asked, the state of its servers is left4me.Unknown.
package servers

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Servers is the list of servers. It is safe for concurrent use.
type Servers struct {
	storage *store.Store
	jobs    *jobs.Jobs
	hosts   *hosts.Hosts
	bus     *bus.Bus
	ports   PortRange
	log     *slog.Logger
	status  *statuses
	last    atomic.Pointer[snapshot]
	stack   StackCheck
	running sync.WaitGroup // what Run began
	ready   chan struct{}

	renamedWithin time.Duration
}

// StackCheck says what is wrong with layers that somebody wants to stack, for a
// field of a request.
type StackCheck func(ctx context.Context, field string, refs []left4me.OverlayRef) error

// OnStack sets who knows which overlays there are. It must be called before
// anything else; without, any are taken.
func (s *Servers) OnStack(check StackCheck) { s.stack = check }

// checkStack checks the overlays of a server.
func (s *Servers) checkStack(ctx context.Context, refs []left4me.OverlayRef) error {
	if s.stack == nil || len(refs) == 0 {
		return nil
	}
	return s.stack(ctx, "overlays", refs)
}

// New makes the list. Run must run for states to be known.
func New(storage *store.Store, j *jobs.Jobs, h *hosts.Hosts, b *bus.Bus, ports PortRange, log *slog.Logger) *Servers {
	s := &Servers{
		storage: storage, jobs: j, hosts: h, ports: ports, log: log, status: newStatuses(), ready: make(chan struct{}),
		renamedWithin: renamedWithin,
	}
	s.bus = b.Under(&s.running)
	j.OnFailure(func(ctx context.Context, host left4me.Name, e *left4me.Error) *left4me.Error {
		if shown, ok := left4me.Public(s.Names().shown(ctx, host, e)); ok {
			return shown
		}
		return e
	})
	// With the settings that the server has then.
	j.OnRetry("server", func(ctx context.Context, by left4me.Actor, v store.QueuedJob) (left4me.Job, error) {
		if now, err := storage.Target(ctx, left4me.ServerTarget, string(v.Target)); err != nil {
			return v.Job, err
		} else if now.ID != "" && now.ID != v.TargetID {
			return v.Job, left4me.NewError(left4me.Conflict, "job.server_deleted", "job", v.ID, "server", v.Target)
		}
		if v.Kind == left4me.DiscardUpper {
			return s.Files().discardAgain(ctx, by, v)
		}
		return s.Act(ctx, by, v.Kind, v.Target)
	})
	return s
}

// View is a server with what it is doing.
type View struct {
	left4me.Server
	Status          left4me.Status
	Job             *left4me.Job            // the one that is queued or running, or nil
	Failed          *left4me.Job            // the newest one, when it failed and nothing has made up for it; without its log
	RestartRequired bool                    // it runs with other settings than it has now
	NewBuild        int64                   // of the game, that a restart would change it to; 0 when it would not
	NewContent      []left4me.OverlayChange // that a restart would apply
}

func blueprintsByName(ctx context.Context, now *store.Store) (map[left4me.Name]left4me.Blueprint, error) {
	all, err := now.Blueprints().List(ctx)
	if err != nil {
		return nil, err
	}
	byName := make(map[left4me.Name]left4me.Blueprint, len(all))
	for _, b := range all {
		byName[b.Name] = b
	}
	return byName, nil
}

// Create adds a server. Without a host it is on hosts.Hosts.Default, without a blueprint
// the default one, without a port the next that is free. Errors:
// left4me.Conflict and left4me.Invalid, with the field.
func (s *Servers) Create(ctx context.Context, by left4me.Actor, v left4me.Server) (View, error) {
	if v.Host == "" {
		v.Host = s.hosts.Default()
	}
	if v.Blueprint == "" {
		v.Blueprint = left4me.DefaultBlueprint
	}
	v.Settings = v.Settings.Normal()
	if err := s.Mistakes(ctx, v, true); err != nil {
		return View{}, err
	}
	var err error
	v.CreatedAt, v.BootID = time.Now().UTC().Truncate(time.Millisecond), s.status.boot(v.Host)
	if v.Port == 0 {
		v, err = s.createOnFreePort(ctx, by, v)
	} else {
		err = s.storage.By(by).Servers().Create(ctx, v)
	}
	if err != nil {
		return View{}, err
	}
	s.status.next(v.Host, v.Name)
	s.log.InfoContext(ctx, "server created", "server", v.Name, "by", by.String(), "port", v.Port, "blueprint", v.Blueprint)
	s.status.changed(v.Name)
	return s.Get(ctx, v.Name)
}

// definitions are all servers, and what their specs are made of besides, as of one moment.
type definitions struct {
	servers    []left4me.Server
	blueprints map[left4me.Name]left4me.Blueprint
	cfg        map[left4me.Name][]string // the lines of overlays
	names      left4me.OverlayNames
}

// spec is what a server would be started with.
func (d definitions) spec(v left4me.Server) left4me.Spec {
	return left4me.SpecOf(v, d.blueprints[v.Blueprint], d.cfg)
}

func (s *Servers) definitions(ctx context.Context) (d definitions, err error) {
	err = s.storage.Read(ctx, func(now *store.Store) (err error) {
		if d.servers, err = now.Servers().List(ctx); err != nil {
			return err
		}
		if d.blueprints, err = blueprintsByName(ctx, now); err != nil {
			return err
		}
		if d.cfg, err = now.Overlays().Cfg(ctx); err != nil {
			return err
		}
		d.names, err = now.Overlays().Names(ctx)
		return err
	})
	return d, err
}

// Act asks for a job on a server: left4me.StartServer and its like. What is
// asked for already is returned as it is. Errors: left4me.NotFound,
// left4me.Conflict.
func (s *Servers) Act(ctx context.Context, by left4me.Actor, kind left4me.JobKind, name left4me.Name) (left4me.Job, error) {
	d, err := s.defined(ctx, name)
	if err != nil {
		return left4me.Job{}, err
	}
	return s.jobs.Add(ctx, by, kind, name, d.host, d.specOnHost())
}
