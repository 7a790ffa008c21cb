package agent

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// layerPins prevents the removal of layers that a start is about to mount, and prevents starts from
// mounting a layer that is being removed.
//
// Before layers are removed, the supervisor is asked which layers are mounted, and that can take
// long. No lock is held during that time: a start pins its layers immediately, and every [survey] in
// progress records the pin. A start waits only if one of its own layers is being removed.
type layerPins struct {
	mu       sync.Mutex // held only briefly, never during a call that waits
	pins     map[*pin]bool
	surveys  map[*survey]bool
	removals map[*removal]bool
}

// pin records the layers that a start is about to mount.
type pin struct {
	server left4me.Name
	env    instance.Env
}

// removal is a directory that is being removed.
type removal struct {
	dir   string
	ended chan struct{} // closed when the removal has ended
}

// survey spans the time from before the supervisor is asked for mounted layers until all unused
// layers have been removed.
type survey struct {
	of   *layerPins
	pins map[*pin]bool // every pin that existed during the survey
}

func newLayerPins() *layerPins {
	return &layerPins{pins: map[*pin]bool{}, surveys: map[*survey]bool{}, removals: map[*removal]bool{}}
}

// pin prevents the removal of the layers of env until release is called. The caller releases them
// once the supervisor reports the server as up. If one of the layers is being removed, pin waits
// for that; the caller must therefore check that all layers still exist.
func (m *layerPins) pin(ctx context.Context, n left4me.Name, env instance.Env) (release func(), err error) {
	p := &pin{server: n, env: env}
	for {
		going := m.tryPin(p)
		if going == nil {
			return func() {
				m.mu.Lock()
				defer m.mu.Unlock()
				delete(m.pins, p)
			}, nil
		}
		select {
		case <-going:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tryPin adds the pin, or returns the channel of a removal that has to end first.
func (m *layerPins) tryPin(p *pin) (going <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for r := range m.removals {
		if p.has(r.dir) {
			return r.ended
		}
	}
	m.pins[p] = true
	for s := range m.surveys {
		s.pins[p] = true
	}
	return nil
}

// has reports whether a layer of p is dir or inside dir.
func (p *pin) has(dir string) bool {
	return slices.ContainsFunc(p.env.Lowerdirs, func(l string) bool { return l == dir || strings.HasPrefix(l, dir+"/") })
}

// survey begins a survey. Call it before asking the supervisor for mounted layers, and call end
// afterwards.
func (m *layerPins) survey() *survey {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &survey{of: m, pins: map[*pin]bool{}}
	for p := range m.pins {
		s.pins[p] = true
	}
	m.surveys[s] = true
	return s
}

func (s *survey) end() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	delete(s.of.surveys, s)
}

// remove calls f, which removes the directory dir, relative to the root. It fails with left4me.Busy
// if a start pinned a layer in dir since the survey began. No start can pin such a layer until f
// has returned.
func (s *survey) remove(dir string, f func() error) error {
	r := &removal{dir: dir, ended: make(chan struct{})}
	if err := s.begin(r); err != nil {
		return err
	}
	defer func() {
		s.of.mu.Lock()
		defer s.of.mu.Unlock()
		delete(s.of.removals, r)
		close(r.ended)
	}()
	return f()
}

func (s *survey) begin(r *removal) error {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	for p := range s.pins {
		if p.has(r.dir) {
			return left4me.NewError(left4me.Busy, "layer.server_starting", "dir", r.dir, "server", p.server)
		}
	}
	s.of.removals[r] = true
	return nil
}
