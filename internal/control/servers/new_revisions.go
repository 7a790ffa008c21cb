package servers

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// currents holds the current revisions on a host, and when the host reported them.
type currents struct {
	revisions map[left4me.Name]int
	seq       uint64
}

// current stores the current revisions on a host; asked is the sequence number at which they were
// requested. A report received since then is newer and stays.
func (l *statuses) current(host left4me.Name, revisions map[left4me.Name]int, asked uint64) {
	l.mu.Lock()
	old, known := l.currents[host]
	if known && (old.seq > asked || maps.Equal(old.revisions, revisions)) {
		l.mu.Unlock()
		return
	}
	l.seq++
	l.changes.Ring()
	l.currents[host] = currents{revisions, l.seq}
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

func (l *statuses) revisions(host left4me.Name) (map[left4me.Name]int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.currents[host]
	return c.revisions, ok
}

// currentOn is like revisions, without whether they are known.
func (l *statuses) currentOn(host left4me.Name) map[left4me.Name]int {
	all, _ := l.revisions(host)
	return all
}

// Revisions are the current revisions of overlays that hosts report.
type Revisions struct{ servers *Servers }

// Revisions returns the current revisions that hosts report.
func (s *Servers) Revisions() Revisions { return Revisions{s} }

// listen subscribes to the hosts' reports of current revisions.
func (r Revisions) listen(ctx context.Context) error {
	s := r.servers
	return s.bus.Listen(ctx, bus.Broadcast(bus.AnyHost, bus.KindContent), func(subject string, data []byte) {
		var c bus.Currents
		if err := json.Unmarshal(data, &c); err != nil {
			s.log.WarnContext(ctx, "current revisions", "subject", subject, "err", err)
			return
		}
		s.status.current(bus.HostOf(subject), c.Revisions, s.status.sequence())
	})
}

// ask queries a host for its current revisions.
func (r Revisions) ask(ctx context.Context, host left4me.Name) error {
	s := r.servers
	asked := s.status.sequence()
	var c bus.Currents
	err := s.bus.Request(ctx, bus.Command(host, bus.VerbCurrents), bus.Empty{V: bus.Version}, &c)
	switch {
	case errors.Is(err, left4me.Invalid):
		return nil // an older agent doesn't know them
	case err == nil:
		s.status.current(host, c.Revisions, asked)
	}
	return err
}

// Of returns the current revisions that a host last reported, by the names that overlays have
// there; nil if the host is unknown or does not report them. The map must not be changed.
func (r Revisions) Of(host left4me.Name) map[left4me.Name]int {
	current, _ := r.servers.status.revisions(host)
	return current
}

// Ask queries a host for its current revisions, as in Of, and stores them. Reports of a host arrive
// separately from the ends of its jobs, so that a report about a build may arrive after the build's
// end. Errors: left4me.Unavailable.
func (r Revisions) Ask(ctx context.Context, host left4me.Name) (map[left4me.Name]int, error) {
	err := r.ask(ctx, host)
	return r.Of(host), err
}

// newContent returns the differences between the overlays a server was started with and those it
// would be started with now. Overlays that its host doesn't have are skipped; the start will report
// them.
func newContent(has, wants []left4me.OverlayRef, current map[left4me.Name]int) []left4me.OverlayChange {
	var all []left4me.OverlayChange
	for _, w := range wants {
		to := w.Revision
		if to == 0 {
			to = current[w.Name]
		}
		from := 0
		if i := slices.IndexFunc(has, func(h left4me.OverlayRef) bool { return h.Name == w.Name }); i >= 0 {
			from = has[i].Revision
		}
		if to != 0 && from != to {
			all = append(all, left4me.OverlayChange{Overlay: w.Name, From: from, To: to})
		}
	}
	for _, h := range has {
		if !slices.ContainsFunc(wants, func(w left4me.OverlayRef) bool { return w.Name == h.Name }) {
			all = append(all, left4me.OverlayChange{Overlay: h.Name, From: h.Revision})
		}
	}
	return all
}
