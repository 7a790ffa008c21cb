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

// currents are the revisions that servers of a host are started with, and when
// it said so.
type currents struct {
	revisions map[left4me.Name]int
	turn      uint64
}

// current takes which revisions servers of a host start with; asked is the turn
// when it was asked: what it said since is newer.
func (l *statuses) current(host left4me.Name, revisions map[left4me.Name]int, asked uint64) {
	l.mu.Lock()
	old, known := l.currents[host]
	if known && (old.turn > asked || maps.Equal(old.revisions, revisions)) {
		l.mu.Unlock()
		return
	}
	l.turn++
	l.news.Ring()
	l.currents[host] = currents{revisions, l.turn}
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

// listenContent takes what hosts say of their overlays.
func (s *Servers) listenContent(ctx context.Context) error {
	return s.bus.Listen(ctx, bus.Broadcast(bus.AnyHost, bus.KindContent), func(subject string, data []byte) {
		var c bus.Currents
		if err := json.Unmarshal(data, &c); err != nil {
			s.log.WarnContext(ctx, "current revisions", "subject", subject, "err", err)
			return
		}
		s.status.current(bus.HostOf(subject), c.Revisions, s.status.now())
	})
}

// askContent asks a host which revisions servers start with.
func (s *Servers) askContent(ctx context.Context, host left4me.Name) error {
	asked := s.status.now()
	var c bus.Currents
	err := s.bus.Request(ctx, bus.Command(host, bus.VerbCurrents), bus.Empty{V: bus.Version}, &c)
	switch {
	case errors.Is(err, left4me.Invalid):
		return nil // an older agent: nobody knows
	case err == nil:
		s.status.current(host, c.Revisions, asked)
	}
	return err
}

// newContent is how the overlays that a server was started with differ from those
// that it would be started with now. Overlays that its host doesn't have are
// passed over: the start will say so.
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
