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

// A host that could not say what it has is asked again, less often each time.
const (
	firstWait   = 200 * time.Millisecond
	longestWait = 30 * time.Second
)

// statuses is what hosts last said of their servers, and who wants to know.
type statuses struct {
	mu       sync.Mutex
	known    map[left4me.Name]chan struct{} // hosts; closed when one has told everything once
	statuses map[key]said
	shown    map[key]left4me.Name            // what people call servers that hosts call by an older name
	renames  uint64                          // counts what people renamed
	boots    map[left4me.Name]string         // of hosts, empty for one that doesn't say
	waits    map[left4me.Name]*left4me.Error // what servers of a host wait for that shall be started
	builds   map[left4me.Name]int64          // of the game, by host: what a server would be started with
	currents map[left4me.Name]currents       // of overlays, by host
	turn     uint64                          // counts what was said
	news     store.Bell                      // rings when it does
	// forgotten are facts that don't hold any more, since keep looked: the same one of
	// the next server of the name is another.
	forgotten []store.Report
	watchers  map[*watcher]bool
}

// watcher is one subscription.
type watcher struct {
	wake  chan struct{}
	names map[left4me.Name]bool // what changed since it looked; of statuses.mu
}

// key is a server by the name that its host uses.
type key struct{ host, server left4me.Name }

// said is a status and when it came.
type said struct {
	left4me.Status
	turn uint64
}

func newStatuses() *statuses {
	return &statuses{
		known:    map[left4me.Name]chan struct{}{},
		statuses: map[key]said{},
		shown:    map[key]left4me.Name{},
		boots:    map[left4me.Name]string{},
		waits:    map[left4me.Name]*left4me.Error{},
		builds:   map[left4me.Name]int64{},
		currents: map[left4me.Name]currents{},
		watchers: map[*watcher]bool{},
	}
}

// get is what the host of a server says of it. Of one that a start has just renamed there it
// is said under the new name before that is known; what else has that name is not listened to.
func (l *statuses) get(srv left4me.Server) left4me.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	on, ok := l.statuses[key{srv.Host, srv.OnHost()}]
	if v, there := l.statuses[key{srv.Host, srv.Name}]; there && (!ok || v.turn > on.turn) {
		on, ok = v, true
	}
	if ok {
		on.Status.Name = srv.Name
		return on.Status
	}
	st := left4me.Status{Name: srv.Name, State: left4me.Stopped}
	if !closed(l.toldBy(srv.Host)) {
		st.State = left4me.Unknown
		st.Explain(left4me.NewError(left4me.Unavailable, "state.host_away"))
	}
	return st
}

// told is closed when a host has told everything once.
func (l *statuses) told(host left4me.Name) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.toldBy(host)
}

// toldBy is told while mu is held.
func (l *statuses) toldBy(host left4me.Name) chan struct{} {
	c, ok := l.known[host]
	if !ok {
		c = make(chan struct{})
		l.known[host] = c
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

// set takes what a host says of a server, and returns what it said before.
func (l *statuses) set(host left4me.Name, st left4me.Status) (before left4me.Status) {
	l.mu.Lock()
	l.turn++
	l.news.Ring()
	before = l.statuses[key{host, st.Name}].Status
	l.statuses[key{host, st.Name}] = said{st, l.turn}
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

// waitsFor notes what keeps servers of a host from being started; nil is nothing.
func (l *statuses) waitsFor(host left4me.Name, what error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn++
	delete(l.waits, host)
	if e, ok := left4me.Public(what); ok {
		l.waits[host] = e
	}
}

func (l *statuses) waiting(host left4me.Name) *left4me.Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waits[host]
}

// boot is that of a host, as far as it is known.
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

// Starts tells which build of the game servers of a host are started with from
// now on.
func (s *Servers) Starts(host left4me.Name, build int64) {
	l := s.status
	l.mu.Lock()
	if l.builds[host] == build {
		l.mu.Unlock()
		return
	}
	l.builds[host] = build
	l.turn++
	l.news.Ring()
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

// forget drops what was said of a server that was deleted: the next one of its name is
// another. What was said after the turn asked is of the next one, and stays.
func (l *statuses) forget(host, server left4me.Name, asked uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.statuses[key{host, server}].turn > asked {
		return
	}
	delete(l.statuses, key{host, server})
	l.again(host, server)
}

// next notes that another server has the name. What runs under the name does so for
// the new one, too, and is reported for it; anything else was said of the one before.
func (l *statuses) next(host, server left4me.Name) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := (key{host, server}); !l.statuses[k].State.Up() {
		delete(l.statuses, k)
	}
	l.again(host, server)
}

// again has the state of a server reported though it is what was reported last. l is
// locked.
func (l *statuses) again(host, server left4me.Name) {
	l.turn++
	l.forgotten = append(l.forgotten, reportOf(host, server))
	l.news.Ring()
}

// now is what to give to replace: the turn before a host is asked.
func (l *statuses) now() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.turn
}

// replace takes what a host says of all its servers. What it said of single ones
// since it was asked is newer, and stays.
func (l *statuses) replace(host left4me.Name, all []left4me.Status, asked uint64) {
	l.mu.Lock()
	l.turn++
	l.news.Ring()
	changed := map[left4me.Name]bool{}
	for k, v := range l.statuses {
		if k.host == host && v.turn <= asked {
			delete(l.statuses, k)
			changed[l.name(k)] = true
		}
	}
	for _, st := range all {
		k := key{host, st.Name}
		if _, newer := l.statuses[k]; !newer {
			l.statuses[k] = said{st, asked}
			changed[l.name(k)] = true
		}
	}
	if told := l.toldBy(host); !closed(told) {
		close(told)
	}
	l.mu.Unlock()
	for name := range changed {
		l.changed(name)
	}
}

// changed tells the watchers that there is something new about a server. It
// never waits: what changed is a set, however slow they are.
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

// Run asks the hosts what they have and listens to what they say until ctx ends.
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

// Ready is closed when it listens to hosts.
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
			s.log.WarnContext(ctx, "a host that has started", "subject", subject, "err", err) // its servers can be asked for all the same
		}
		s.running.Go(func() { autostarts{s}.arrive(ctx, bus.HostOf(subject), h.BootID) })
	})
	if err != nil {
		return err
	}
	if err := s.listenContent(ctx); err != nil {
		return err
	}
	if err := s.bus.Events(ctx, "crashes", bus.KindCrash, s.keepCrash(ctx)); err != nil {
		return err
	}
	// What a server is started with, and whether it waits for a start.
	rows := s.storage.Listen(ctx, "server", "blueprint", "overlay")
	s.running.Go(func() {
		for range store.Rings(ctx, rows, nil) {
			s.changedAll(ctx)
		}
	})
	// For the watchers, who see the jobs of servers, too.
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
	s.running.Go(func() { reports{s}.keep(ctx) })
	return nil
}

// followEnds does what the ends of jobs ask for. It drops what is known of servers that were
// deleted, unless others have their names already: then Create did. And it learns which name a
// host uses for a server that people renamed.
func (s *Servers) followEnds(ctx context.Context, batch []left4me.Event) error {
	renamed := map[left4me.Name]bool{} // hosts
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
	asked := s.status.now()
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

// changedAll tells the watchers that there may be something new about any server.
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

// Told waits until a host has told once what it has, or ctx ends.
func (s *Servers) Told(ctx context.Context, host left4me.Name) error {
	select {
	case <-s.status.told(host):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask asks a host for all that it has.
func (s *Servers) ask(ctx context.Context, host left4me.Name) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	asked := s.status.now()
	var all []left4me.Status
	if err := s.bus.Request(ctx, bus.Command(host, bus.VerbStatus), bus.Empty{V: bus.Version}, &all); err != nil {
		return err
	}
	s.status.replace(host, all, asked)
	if err := s.Names().noteRenamed(ctx, host, all); err != nil {
		return err
	}
	return s.askContent(ctx, host)
}

// Watch gives the names of servers about which something is new: their state,
// their players, their job, or that they came or went. Several changes of one
// server while the caller is busy are one. The subscription begins with the call
// and ends with ctx, also when nobody ranges over the result, which can be done
// once.
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

// Watchers is how many subscriptions there are.
func (s *Servers) Watchers() int {
	s.status.mu.Lock()
	defer s.status.mu.Unlock()
	return len(s.status.watchers)
}
