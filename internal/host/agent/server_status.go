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

// statuses follows the shims of all servers of a host that are up, and publishes every change of a
// status.
type statuses struct {
	core    *core
	disks   *disks
	crashes *crashes
	poller  *poller.Poller
	ended   chan struct{} // holds one value if a server has ended and its layers may have become unused

	mu         sync.Mutex
	servers    map[left4me.Name]*follower
	changed    chan struct{}  // closed when a status was published or a server went down
	remembered []left4me.Name // the servers that existed before a disk went missing
}

func newStatuses(c *core, d *disks, cr *crashes) (*statuses, error) {
	s := &statuses{core: c, disks: d, crashes: cr, ended: make(chan struct{}, 1)}
	s.servers, s.changed = map[left4me.Name]*follower{}, make(chan struct{})
	var err error
	s.poller, err = poller.New(s.applySample)
	return s, err
}

// follower holds the status of a server that is or was up.
type follower struct {
	status    left4me.Status
	published left4me.Status // the last published status
	active    bool           // whether a goroutine follows the server
}

// list returns the status of every server with files on this host, including servers whose files
// are on a missing disk.
func (s *statuses) list(ctx context.Context) ([]left4me.Status, error) {
	_ = s.disks.check() // updates the result of disks.missing, which shown uses
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

// get returns the last known status of a server that is or was up.
func (s *statuses) get(n left4me.Name) (st left4me.Status, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.servers[n]; f != nil {
		return f.status, true
	}
	return left4me.Status{Name: n}, false
}

// names returns the servers with files on this host, including servers whose files are on a missing
// disk.
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

// rememberNames records the existing servers, so that names can list them while a disk is missing.
func (s *statuses) rememberNames() {
	names, err := s.core.Files.Root.Names()
	if s.disks.check() != nil || err != nil { // after reading the names, because a disk may go missing in between
		return
	}
	s.mu.Lock()
	s.remembered = names
	s.mu.Unlock()
}

// update changes the status of a server and publishes it. It ignores an unknown server.
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

// wake makes awaitStatus check again. The caller holds s.mu.
func (s *statuses) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *statuses) publish(st left4me.Status) {
	if err := s.core.bus.Publish(bus.Broadcast(s.core.Host, bus.KindStatus), st); err != nil {
		s.core.log.Warn("status", "server", st.Name, "err", err)
	}
}

// publishAll publishes the status of every server.
func (s *statuses) publishAll(ctx context.Context) {
	all, err := s.list(ctx)
	if err != nil && ctx.Err() == nil {
		s.core.log.WarnContext(ctx, "tell the statuses", "err", err)
	}
	for _, st := range all {
		s.publish(st)
		s.update(st.Name, func(*left4me.Status) {}) // the status may have changed after list returned it
	}
}

// shown returns the status to publish: Unknown while a disk is missing, otherwise st.
func (s *statuses) shown(st left4me.Status) left4me.Status {
	if e := s.disks.missing(); e != nil {
		st.State = left4me.Unknown
		st.Explain(e)
		clipStatus(&st)
	}
	return st
}

// forget removes a deleted server.
func (s *statuses) forget(n left4me.Name) {
	s.mu.Lock()
	delete(s.servers, n)
	s.wake()
	s.mu.Unlock()
}

const awaitStatusWithin = time.Second

// awaitStatus waits until the published status of a server satisfies ok, at most awaitStatusWithin.
// Without it, a client could read an outdated state after the job has ended.
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

// down reports whether a follower has published the final status of its server.
func down(f follower) bool { return !f.active }

func answers(s left4me.ServerState) bool { return s == left4me.Running || s == left4me.Unresponsive }

// Limits for what a server and its shim report. The game's user controls both.
const (
	maxReason = 1 << 10 // bytes of JSON
	maxTitle  = 256     // bytes of JSON for each host name, map and player name
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
