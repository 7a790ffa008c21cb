// Package overlays manages overlays and blueprints: the definitions of overlays, their revisions on
// the host, the jobs that build, delete and restore them, and the blueprints that stack them.
//
// A definition is a row of the store; files and revisions exist only on the host. An overlay that
// merely exists on the host's disk counts as a files overlay, and gets a row with its first change.
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

// Overlays manages overlays and blueprints. It is safe for concurrent use.
type Overlays struct {
	storage       *store.Store
	jobs          *jobs.Jobs
	servers       *servers.Servers
	host          left4me.Name // builds overlays and stores their revisions
	bus           *bus.Bus
	log           *slog.Logger
	now           func() time.Time // current time in the host's time zone
	startDelay    time.Duration
	checkInterval time.Duration // interval for checking what is due

	wakeup           chan struct{} // requests a check of what is due
	built            atomic.Bool   // there may be a new revision
	revisionsChanged store.Bell    // rings when revisions on the host may have changed

	// rolloutMu serialises read-modify-write cycles of rollouts.
	rolloutMu sync.Mutex
	empty     rolloutrules.Since
}

// New returns the Overlays of host, which builds overlays and stores their revisions.
func New(storage *store.Store, j *jobs.Jobs, s *servers.Servers, host left4me.Name, b *bus.Bus, log *slog.Logger) *Overlays {
	c := &Overlays{
		storage: storage, jobs: j, servers: s, host: host, bus: b, log: log, now: time.Now, startDelay: defaultStartDelay,
		checkInterval: checkEvery, wakeup: make(chan struct{}, 1),
	}
	if s != nil {
		s.OnStack(c.CheckStack)
	}
	j.OnRetry(left4me.BuildOverlay.Noun(), c.retry)
	j.OnRetry(left4me.CollectContent.Noun(), c.retry)
	return c
}

// Watch yields a value whenever the definition of an overlay or blueprint, or the revisions on the
// host, may have changed, until ctx ends. It doesn't report the progress of jobs, but their ends,
// which change revisions. Changes while the caller is busy are coalesced. The sequence may be
// ranged over only once.
func (c *Overlays) Watch(ctx context.Context) iter.Seq[struct{}] {
	return store.Rings(ctx, c.revisionsChanged.Listen(ctx),
		c.storage.Listen(ctx, "overlay", "overlay_script", "blueprint", "content_restart", "site"))
}

// Get returns one blueprint. Errors: left4me.NotFound.
func (c Blueprints) Get(ctx context.Context, name left4me.Name) (left4me.Blueprint, error) {
	return c.overlays.storage.Blueprints().Get(ctx, name)
}

// List returns all blueprints by name.
func (c Blueprints) List(ctx context.Context) ([]left4me.Blueprint, error) {
	return c.overlays.storage.Blueprints().List(ctx)
}
