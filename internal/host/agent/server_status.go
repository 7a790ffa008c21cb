package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/diagnosis/poller"
	"github.com/left4me/left4me/internal/left4me"
)

// statuses are those of all servers of a host: it follows the shims of those that
// are up, and publishes what changes.
type statuses struct {
	core    *core
	disks   *disks
	crashes *crashes
	poller  *poller.Poller
	ended   chan struct{} // holds one when a server has ended, and may have let go of layers

	mu         sync.Mutex
	servers    map[left4me.Name]*follower
	changed    chan struct{}  // closed when a status was published or a server is down
	remembered []left4me.Name // the servers that were there before a disk had gone
}

func newStatuses(c *core, d *disks, cr *crashes) (*statuses, error) {
	s := &statuses{core: c, disks: d, crashes: cr, ended: make(chan struct{}, 1)}
	s.servers, s.changed = map[left4me.Name]*follower{}, make(chan struct{})
	var err error
	s.poller, err = poller.New(s.applySample)
	return s, err
}

// follower is what the agent knows of a server that is or was up.
type follower struct {
	status    left4me.Status
	published left4me.Status // the last one
	active    bool           // a goroutine follows it
}

// list returns what is known of every server that has anything here, or had
// before a disk had gone.
func (s *statuses) list(ctx context.Context) ([]left4me.Status, error) {
	_ = s.disks.check() // each status says so
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	all := make([]left4me.Status, 0, len(names))
	for _, n := range names {
		st, known := s.get(n)
		if !known {
			if st, err = s.state(ctx, n); err != nil {
				return nil, fmt.Errorf("state of %s: %w", n, err)
			}
		}
		st = s.shown(st)
		st.ID = s.core.Files.Root.Owner(n)
		all = append(all, st)
	}
	return all, nil
}

// get is what is known of a server that is or was up.
func (s *statuses) get(n left4me.Name) (st left4me.Status, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.servers[n]; f != nil {
		return f.status, true
	}
	return left4me.Status{Name: n}, false
}

// names are the servers that have anything here, or had before a disk had
// gone.
func (s *statuses) names() ([]left4me.Name, error) {
	s.mu.Lock()
	names := slices.AppendSeq(slices.Clone(s.remembered), maps.Keys(s.servers))
	s.mu.Unlock()
	if s.disks.missing() == nil {
		return s.core.Files.Root.Names()
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// rememberNames keeps which servers there are for the time when a disk has gone.
func (s *statuses) rememberNames() {
	names, err := s.core.Files.Root.Names()
	if s.disks.check() != nil || err != nil { // checked after the names were read
		return
	}
	s.mu.Lock()
	s.remembered = names
	s.mu.Unlock()
}

// update changes what is known of a server and tells it.
func (s *statuses) update(n left4me.Name, change func(*left4me.Status)) {
	s.mu.Lock()
	f := s.servers[n]
	if f == nil {
		s.mu.Unlock()
		return
	}
	change(&f.status)
	clipStatus(&f.status)
	now := f.status
	st := s.shown(now)
	s.mu.Unlock()
	s.publish(st)
	s.mu.Lock()
	f.published = now
	s.wake()
	s.mu.Unlock()
}

// wake lets awaitStatus check again. s.mu is held.
func (s *statuses) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *statuses) publish(st left4me.Status) {
	if err := s.core.bus.Publish(bus.Broadcast(s.core.Host, bus.KindStatus), st); err != nil {
		s.core.log.Warn("status", "server", st.Name, "err", err)
	}
}

// publishAll tells the status of every server.
func (s *statuses) publishAll(ctx context.Context) {
	all, err := s.list(ctx)
	if err != nil && ctx.Err() == nil {
		s.core.log.WarnContext(ctx, "tell the statuses", "err", err)
	}
	for _, st := range all {
		s.publish(st)
		s.update(st.Name, func(*left4me.Status) {}) // it may have changed since
	}
}

// shown is what is told of a server: that its state is unknown while a disk has
// gone.
func (s *statuses) shown(st left4me.Status) left4me.Status {
	if e := s.disks.missing(); e != nil {
		st.State = left4me.Unknown
		st.Explain(e)
		clipStatus(&st)
	}
	return st
}

// forget drops a server that was deleted.
func (s *statuses) forget(n left4me.Name) {
	s.mu.Lock()
	delete(s.servers, n)
	s.wake()
	s.mu.Unlock()
}

const awaitStatusWithin = time.Second

// awaitStatus waits up to awaitStatusWithin until the published status of a server is
// what its job has seen: the end of a job must not be followed by an older state.
func (s *statuses) awaitStatus(ctx context.Context, n left4me.Name, ok func(follower) bool) {
	ctx, cancel := context.WithTimeout(ctx, awaitStatusWithin)
	defer cancel()
	for {
		s.mu.Lock()
		f, changed := s.servers[n], s.changed
		done := f == nil || ok(*f)
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// down reports that what is told of a server is how it ended.
func down(f follower) bool { return !f.active }

func answers(s left4me.ServerState) bool { return s == left4me.Running || s == left4me.Unresponsive }

// Bounds of what a server and its shim say of themselves. Both belong to the
// game's user.
const (
	maxReason = 1 << 10 // bytes of JSON
	maxTitle  = 256     // bytes of JSON: of a host name, a map, a player
	maxOnline = 64      // players
)

func clipStatus(st *left4me.Status) {
	st.Reason = left4me.Clip(st.Reason, maxReason)
	if st.Why != nil {
		st.Why = st.Why.Clipped()
	}
	st.Hostname, st.Map = left4me.Clip(st.Hostname, maxTitle), left4me.Clip(st.Map, maxTitle)
	st.Online = st.Online[:min(len(st.Online), maxOnline)]
	for i := range st.Online {
		st.Online[i].Name = left4me.Clip(st.Online[i].Name, maxTitle)
	}
}
