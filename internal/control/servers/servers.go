// Package servers manages dedicated servers: their definitions, their current state, and the jobs
// that change it.
//
// The state of a server only comes from its host. While a host doesn't answer, the state of its
// servers is left4me.Unknown.
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

// Servers manages servers. It is safe for concurrent use.
type Servers struct {
	storage      *store.Store
	jobs         *jobs.Jobs
	hosts        *hosts.Hosts
	bus          *bus.Bus
	ports        PortRange
	log          *slog.Logger
	status       *statuses
	places       *places
	lastSnapshot atomic.Pointer[snapshot]
	stack        StackCheck
	running      sync.WaitGroup // goroutines started by Run
	ready        chan struct{}

	environmentAddress string // LEFT4ME_PUBLIC_ADDRESS
	renamedWithin      time.Duration
}

// StackCheck validates a stack of overlays for a field of a request.
type StackCheck func(ctx context.Context, field string, refs []left4me.OverlayRef) error

// OnStack sets the check of stacks. It must be called before anything else; without it, every stack
// is accepted.
func (s *Servers) OnStack(check StackCheck) { s.stack = check }

// checkStack checks the overlays of a server.
func (s *Servers) checkStack(ctx context.Context, refs []left4me.OverlayRef) error {
	if s.stack == nil || len(refs) == 0 {
		return nil
	}
	return s.stack(ctx, "overlays", refs)
}

// New returns the servers on hosts h. Run must run for states to be known.
func New(storage *store.Store, j *jobs.Jobs, h *hosts.Hosts, b *bus.Bus, ports PortRange, log *slog.Logger) *Servers {
	s := &Servers{
		storage: storage, jobs: j, hosts: h, ports: ports, log: log, status: newStatuses(), places: newPlaces(), ready: make(chan struct{}),
		renamedWithin: renamedWithin,
	}
	s.bus = b.Under(&s.running)
	j.OnFailure(func(ctx context.Context, host left4me.Name, e *left4me.Error) *left4me.Error {
		if shown, ok := left4me.Public(s.Names().shown(ctx, host, e)); ok {
			return shown
		}
		return e
	})
	// A retry uses the server's current settings.
	j.OnRetry("server", func(ctx context.Context, by left4me.Actor, v store.QueuedJob) (left4me.Job, error) {
		if now, err := storage.Target(ctx, left4me.ServerTarget, string(v.Target)); err != nil {
			return v.Job, err
		} else if now.ID != "" && now.ID != v.TargetID {
			return v.Job, left4me.NewError(left4me.Conflict, "job.server_deleted", "job", v.ID, "server", v.Target)
		}
		if v.Kind == left4me.DiscardUpper {
			return s.Files().discardAgain(ctx, by, v)
		}
		if v.MapChange != nil {
			return s.Consoles().ChangeMap(ctx, by, v.Target, v.MapChange.To, v.MapChange.Mode)
		}
		return s.Act(ctx, by, v.Kind, v.Target)
	})
	return s
}

// View is a server with its current state.
type View struct {
	left4me.Server
	Status          left4me.Status
	Job             *left4me.Job            // queued or running job, or nil
	Failed          *left4me.Job            // newest job if it failed and the server has not been started since; without its log
	RestartRequired bool                    // the server runs with other settings than the current ones
	NewBuild        int64                   // game build that a restart would install; 0 if unchanged
	NewContent      []left4me.OverlayChange // overlay changes that a restart would apply
	Public          PublicAddress           // the host that players connect to
	Place           left4me.Place           // of the current map, or else of the first map; zero if unknown

	base  left4me.Blueprint // its blueprint
	stack []left4me.OverlayRef
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

// Create adds a server. An empty host means hosts.Hosts.Default, an empty blueprint the default
// one, and port 0 the next free port. Errors: left4me.Conflict and left4me.Invalid, with the field.
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
		v, err = s.Creation().createOnFreePort(ctx, by, v)
	} else {
		err = s.storage.By(by).Servers().Create(ctx, v)
	}
	if err != nil {
		return View{}, err
	}
	s.status.nameReused(v.Host, v.Name)
	s.log.InfoContext(ctx, "server created", "server", v.Name, "by", by.String(), "port", v.Port, "blueprint", v.Blueprint)
	s.status.changed(v.Name)
	return s.Get(ctx, v.Name)
}

// definitions holds all servers and everything else their specs depend on, read in one transaction.
type definitions struct {
	servers    []left4me.Server
	blueprints map[left4me.Name]left4me.Blueprint
	cfg        map[left4me.Name][]string // cfg lines of overlays
	names      left4me.OverlayNames
	address    string // public address set by a user
}

// spec returns what a server would be started with.
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
		if d.names, err = now.Overlays().Names(ctx); err != nil {
			return err
		}
		d.address, err = now.Site().Address(ctx)
		return err
	})
	return d, err
}

// Act adds a job on a server, such as left4me.StartServer, or returns an equal active job. Errors:
// left4me.NotFound, left4me.Conflict.
func (s *Servers) Act(ctx context.Context, by left4me.Actor, kind left4me.JobKind, name left4me.Name) (left4me.Job, error) {
	d, err := s.defined(ctx, name)
	if err != nil {
		return left4me.Job{}, err
	}
	return s.jobs.Add(ctx, by, kind, name, d.host, d.specOnHost())
}
