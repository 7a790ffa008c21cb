// Package overlays is the side of overlays and blueprints that people talk to:
// what overlays are made of and which revisions a host has of them, the jobs that
// make, set aside and take back revisions, and the recipes that stack them.
//
// A definition is a row in the store; files and revisions are on the host, and
// only there. An overlay that merely lies on the host's disk counts as one of
// files, and gets its row when somebody first changes it.
package overlays

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Overlays is the list of overlays and blueprints. It is safe for concurrent use.
type Overlays struct {
	storage *store.Store
	jobs    *jobs.Jobs
	servers *servers.Servers
	host    left4me.Name // that builds overlays and keeps their revisions
	bus     *bus.Bus
	log     *slog.Logger
	now     func() time.Time // in the zone of the host
	quiet   time.Duration
	every   time.Duration // between two checks for what is due

	poke  chan struct{} // something is new: look at what is due
	built atomic.Bool   // a revision may be new
	told  store.Bell    // rings when the host has other revisions

	// turn is held by whoever reads what servers move over to and writes it.
	turn  sync.Mutex
	empty rolloutrules.Since
}

// New makes the list. host builds overlays and keeps their revisions.
func New(storage *store.Store, j *jobs.Jobs, s *servers.Servers, host left4me.Name, b *bus.Bus, log *slog.Logger) *Overlays {
	c := &Overlays{
		storage: storage, jobs: j, servers: s, host: host, bus: b, log: log, now: time.Now, quiet: quietStart,
		every: checkEvery, poke: make(chan struct{}, 1),
	}
	if s != nil {
		s.OnStack(c.CheckStack)
	}
	j.OnRetry(left4me.BuildOverlay.Noun(), c.again)
	j.OnRetry(left4me.CollectContent.Noun(), c.again)
	return c
}

// Watch gives a value whenever a definition of an overlay or a blueprint, or what
// the host has of an overlay, may be another, until ctx ends. Jobs are not among it,
// but their ends are: they change what the host has. Several changes while the
// caller is busy are one. It must be ranged over once.
func (c *Overlays) Watch(ctx context.Context) iter.Seq[struct{}] {
	return store.Rings(ctx, c.told.Listen(ctx), c.storage.Listen(ctx, "overlay", "overlay_script", "blueprint", "content_restart", "site"))
}

// Get returns one blueprint. Errors: left4me.NotFound.
func (c Blueprints) Get(ctx context.Context, name left4me.Name) (left4me.Blueprint, error) {
	return c.overlays.storage.Blueprints().Get(ctx, name)
}

// List returns all blueprints by name.
func (c Blueprints) List(ctx context.Context) ([]left4me.Blueprint, error) {
	return c.overlays.storage.Blueprints().List(ctx)
}
