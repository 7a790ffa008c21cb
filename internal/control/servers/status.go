package servers

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/events"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Back-off for queries to a host that could not list its servers.
const (
	firstWait   = 200 * time.Millisecond
	longestWait = 30 * time.Second
)

// statuses holds the last status of each server as reported by its host, and the watchers.
type statuses struct {
	mu            sync.Mutex
	lists         map[left4me.Name]chan struct{} // channels by host; closed once the host has listed its servers
	statuses      map[key]receivedStatus
	shown         map[key]left4me.Name            // current names by older host names
	renames       uint64                          // number of renames by users
	boots         map[left4me.Name]string         // boot id by host; empty if not reported
	addresses     map[left4me.Name]string         // address by host; missing if not reported
	startBlockers map[left4me.Name]*left4me.Error // reason, by host, why wanted servers cannot be started yet
	builds        map[left4me.Name]int64          // current game build by host
	currents      map[left4me.Name]currents       // current revisions by host
	seq           uint64                          // number of reports and changes
	changes       store.Bell                      // rings when seq changes
	// forgotten lists reports that became invalid since reports.run last read them: an equal report
	// for the next server of the name is a new one.
	forgotten []store.Report
	watchers  map[*watcher]bool
}

// watcher is one subscription.
type watcher struct {
	wake  chan struct{}
	names map[left4me.Name]bool // changed since the last read; guarded by statuses.mu
}

// key identifies a server by its host name.
type key struct{ host, server left4me.Name }

// receivedStatus is a status and the sequence number at which it was received.
type receivedStatus struct {
	left4me.Status
	seq uint64
}

func newStatuses() *statuses {
	return &statuses{
		lists:         map[left4me.Name]chan struct{}{},
		statuses:      map[key]receivedStatus{},
		shown:         map[key]left4me.Name{},
		boots:         map[left4me.Name]string{},
		addresses:     map[left4me.Name]string{},
		startBlockers: map[left4me.Name]*left4me.Error{},
		builds:        map[left4me.Name]int64{},
		currents:      map[left4me.Name]currents{},
		watchers:      map[*watcher]bool{},
	}
}

// get returns the last status of a server. If a start has just renamed it on its host, the status
// may arrive under the new name before the rename is known, so the newer of the two counts.
func (l *statuses) get(srv left4me.Server) left4me.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	on, ok := l.statuses[key{srv.Host, srv.OnHost()}]
	if v, there := l.statuses[key{srv.Host, srv.Name}]; there && (!ok || v.seq > on.seq) {
		on, ok = v, true
	}
	if ok {
		on.Status.Name = srv.Name
		return on.Status
	}
	st := left4me.Status{Name: srv.Name, State: left4me.Stopped}
	if !closed(l.listedBy(srv.Host)) {
		st.State = left4me.Unknown
		st.Explain(left4me.NewError(left4me.Unavailable, "state.host_away"))
	}
	return st
}

// listed returns a channel that is closed once a host has listed its servers.
func (l *statuses) listed(host left4me.Name) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.listedBy(host)
}

// listedBy is like listed. mu must be held.
func (l *statuses) listedBy(host left4me.Name) chan struct{} {
	c, ok := l.lists[host]
	if !ok {
		c = make(chan struct{})
		l.lists[host] = c
	}
	return c
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// set stores a status reported by a host, and returns the previous one.
func (l *statuses) set(host left4me.Name, st left4me.Status) (before left4me.Status) {
	l.mu.Lock()
	l.seq++
	l.changes.Ring()
	before = l.statuses[key{host, st.Name}].Status
	l.statuses[key{host, st.Name}] = receivedStatus{st, l.seq}
	name := l.name(key{host, st.Name})
	l.mu.Unlock()
	l.changed(name)
	return before
}

func (l *statuses) booted(host left4me.Name, boot string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.boots[host] = boot
}

// setStartBlocker records why servers of a host cannot be started yet; nil means nothing.
func (l *statuses) setStartBlocker(host left4me.Name, what error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	delete(l.startBlockers, host)
	if e, ok := left4me.Public(what); ok {
		l.startBlockers[host] = e
	}
}

func (l *statuses) startBlocker(host left4me.Name) *left4me.Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.startBlockers[host]
}

// boot returns the boot id of a host, or "" if unknown.
func (l *statuses) boot(host left4me.Name) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.boots[host]
}

func (l *statuses) build(host left4me.Name) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.builds[host]
}

// SetCurrentBuild records the game build that servers of a host are started with from now on.
func (s *Servers) SetCurrentBuild(host left4me.Name, build int64) {
	l := s.status
	l.mu.Lock()
	if l.builds[host] == build {
		l.mu.Unlock()
		return
	}
	l.builds[host] = build
	l.seq++
	l.changes.Ring()
	var names []left4me.Name
	for k := range l.statuses {
		if k.host == host {
			names = append(names, l.name(k))
		}
	}
	l.mu.Unlock()
	for _, n := range names {
		l.changed(n)
	}
}

// forget drops the status of a deleted server. A status received after the sequence number asked
// belongs to the next server of the name and stays.
func (l *statuses) forget(host, server left4me.Name, asked uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.statuses[key{host, server}].seq > asked {
		return
	}
	delete(l.statuses, key{host, server})
	l.reportAgain(host, server)
}

// nameReused records that a new server has this name. A process running under the name counts as
// the new server's; any other status belonged to the previous one and is dropped.
func (l *statuses) nameReused(host, server left4me.Name) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := (key{host, server}); !l.statuses[k].State.Up() {
		delete(l.statuses, k)
	}
	l.reportAgain(host, server)
}

// reportAgain causes the state of a server to be reported even if it is unchanged. mu must be held.
func (l *statuses) reportAgain(host, server left4me.Name) {
	l.seq++
	l.forgotten = append(l.forgotten, reportOf(host, server))
	l.changes.Ring()
}

// sequence returns the current sequence number, to be passed to replace after querying a host.
func (l *statuses) sequence() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq
}

// replace stores a host's list of all its servers. Statuses received since the sequence number
// asked are newer and stay.
func (l *statuses) replace(host left4me.Name, all []left4me.Status, asked uint64) {
	l.mu.Lock()
	l.seq++
	l.changes.Ring()
	changed := map[left4me.Name]bool{}
	for k, v := range l.statuses {
		if k.host == host && v.seq <= asked {
			delete(l.statuses, k)
			changed[l.name(k)] = true
		}
	}
	for _, st := range all {
		k := key{host, st.Name}
		if _, newer := l.statuses[k]; !newer {
			l.statuses[k] = receivedStatus{st, asked}
			changed[l.name(k)] = true
		}
	}
	if told := l.listedBy(host); !closed(told) {
		close(told)
	}
	l.mu.Unlock()
	for name := range changed {
		l.changed(name)
	}
}

// changed notifies watchers of a change of a server. It never blocks: names are collected in a set
// until the watcher reads them.
func (l *statuses) changed(server left4me.Name) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.watchers {
		w.names[server] = true
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// Run queries the hosts and processes their messages until ctx ends.
func (s *Servers) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.running.Wait()
	defer cancel()
	if err := s.start(ctx); err != nil {
		return err
	}
	close(s.ready)
	<-ctx.Done()
	return nil
}

// Ready is closed once Run is subscribed to the hosts.
func (s *Servers) Ready() <-chan struct{} { return s.ready }

func (s *Servers) start(ctx context.Context) error {
	err := s.status.relearn(func() ([]left4me.Server, error) { return s.storage.Servers().List(ctx) })
	if err != nil {
		return err
	}
	err = s.bus.Listen(ctx, bus.Broadcast(bus.AnyHost, bus.KindStatus), func(subject string, data []byte) {
		var st left4me.Status
		if err := json.Unmarshal(data, &st); err != nil || st.Name == "" {
			s.log.WarnContext(ctx, "status of a server", "subject", subject, "err", err)
			return
		}
		if before := s.status.set(bus.HostOf(subject), st); before.GaveUp != st.GaveUp || before.State.Up() != st.State.Up() {
			if err := (autostarts{s}).noteHeld(ctx, bus.HostOf(subject), st); err != nil {
				s.log.ErrorContext(ctx, "status of a server", "server", st.Name, "err", err)
			}
		}
	})
	if err != nil {
		return err
	}
	err = s.bus.Listen(ctx, bus.Broadcast(bus.AnyHost, bus.KindHello), func(subject string, data []byte) {
		var h bus.Hello
		if err := bus.Decode(data, &h); err != nil {
			s.log.WarnContext(ctx, "a host that has started", "subject", subject, "err", err) // its servers can still be queried
		}
		s.status.setAddress(bus.HostOf(subject), h.Address)
		s.running.Go(func() { autostarts{s}.arrive(ctx, bus.HostOf(subject), h.BootID) })
	})
	if err != nil {
		return err
	}
	if err := s.Revisions().listen(ctx); err != nil {
		return err
	}
	if err := s.bus.Events(ctx, "crashes", bus.KindCrash, s.storeCrash(ctx)); err != nil {
		return err
	}
	// These rows determine what a server would be started with, whether it waits for a start, and its
	// public address.
	rows := s.storage.Listen(ctx, "server", "blueprint", "overlay", "site")
	s.running.Go(func() {
		for range store.Rings(ctx, rows, nil) {
			s.changedAll(ctx)
		}
	})
	// Watchers show the progress of servers' jobs too.
	changes := s.jobs.WatchAll(ctx)
	s.running.Go(func() {
		for job := range changes {
			if job.Kind.Noun() == "server" {
				s.status.changed(job.Target)
			}
		}
	})
	s.running.Go(func() {
		events.Reader{Name: events.ServersReader, Work: s.followEnds}.Run(ctx, s.storage, s.log)
	})
	s.running.Go(func() { reports{s}.run(ctx) })
	s.running.Go(func() { findPlaces(ctx, s) })
	s.running.Go(func() { s.Deleted().run(ctx) })
	return nil
}

// followEnds handles the ends of jobs. It drops the status of deleted servers, unless Create has
// already given their names to others, and it checks the host names of renamed servers.
func (s *Servers) followEnds(ctx context.Context, batch []left4me.Event) error {
	renamed := map[left4me.Name]bool{} // hosts with renamed servers
	for _, e := range batch {
		if e.Kind != left4me.JobEnded || e.Target.Kind != left4me.ServerTarget {
			continue
		}
		var j left4me.JobEvent
		if err := e.Read(&j); err != nil {
			return err
		}
		if j.Kind == left4me.DeleteServer && j.State == left4me.JobDone {
			if err := forgetDeleted(ctx, s, j.Host, left4me.Name(e.Target.Name)); err != nil {
				return err
			}
			continue
		}
		switch v, err := s.storage.Servers().ByID(ctx, e.Target.ID); {
		case errors.Is(err, left4me.NotFound):
		case err != nil:
			return err
		case v.HostName != "":
			renamed[v.Host] = true
		}
	}
	for host := range renamed {
		if err := s.Names().check(ctx, host); err != nil {
			return err
		}
	}
	return nil
}

func forgetDeleted(ctx context.Context, s *Servers, host, name left4me.Name) error {
	asked := s.status.sequence()
	now, err := s.storage.Target(ctx, left4me.ServerTarget, string(name))
	if err != nil {
		return err
	}
	if now.ID == "" {
		s.status.forget(host, name, asked)
		s.status.changed(name)
	}
	return nil
}

// changedAll notifies watchers that any server may have changed.
func (s *Servers) changedAll(ctx context.Context) {
	var all []left4me.Server
	err := s.status.relearn(func() ([]left4me.Server, error) {
		snap, err := s.snapshot(ctx)
		if err != nil {
			return nil, err
		}
		all = snap.servers
		return all, nil
	})
	if err != nil {
		if ctx.Err() == nil {
			s.log.ErrorContext(ctx, "tell what is new", "err", err)
		}
		return
	}
	for _, v := range all {
		s.status.changed(v.Name)
	}
}

// WaitListed blocks until a host has listed its servers once, or ctx ends.
func (s *Servers) WaitListed(ctx context.Context, host left4me.Name) error {
	select {
	case <-s.status.listed(host):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask queries a host for the statuses of all its servers.
func (s *Servers) ask(ctx context.Context, host left4me.Name) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	asked := s.status.sequence()
	var all []left4me.Status
	if err := s.bus.Request(ctx, bus.Command(host, bus.VerbStatus), bus.Empty{V: bus.Version}, &all); err != nil {
		return err
	}
	s.status.replace(host, all, asked)
	if err := s.Names().noteRenamed(ctx, host, all); err != nil {
		return err
	}
	return s.Revisions().ask(ctx, host)
}

// Watch yields the names of servers whose state, players or job may have changed, or that were
// created or deleted. Changes of one server while the caller is busy are coalesced. The
// subscription begins with the call and ends with ctx, even if the caller never ranges over the
// result. The sequence may be ranged over only once.
func (s *Servers) Watch(ctx context.Context) iter.Seq[left4me.Name] {
	l := s.status
	w := &watcher{wake: make(chan struct{}, 1), names: map[left4me.Name]bool{}}
	l.mu.Lock()
	l.watchers[w] = true
	l.mu.Unlock()
	forget := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.watchers, w)
	}
	stop := context.AfterFunc(ctx, forget)
	return func(yield func(left4me.Name) bool) {
		defer forget()
		defer stop()
		for {
			select {
			case <-w.wake:
			case <-ctx.Done():
				return
			}
			l.mu.Lock()
			names := w.names
			w.names = map[left4me.Name]bool{}
			l.mu.Unlock()
			for n := range names {
				if !yield(n) {
					return
				}
			}
		}
	}
}

// Watchers returns the number of subscriptions.
func (s *Servers) Watchers() int {
	s.status.mu.Lock()
	defer s.status.mu.Unlock()
	return len(s.status.watchers)
}
