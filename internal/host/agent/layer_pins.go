package agent

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// layerPins keeps layers that a start is about to mount from being removed, and
// keeps starts from mounting a layer that is being removed.
//
// Who removes layers asks the supervisor which servers have which layers mounted,
// and that can take long. So no lock is held meanwhile: a start pins its layers
// in a moment, and every [survey] that is under way learns of it. Only a start
// that wants the very layer that is being removed waits, until it is gone.
type layerPins struct {
	mu      sync.Mutex // held for moments, never over a call that waits
	pins    map[*pin]bool
	surveys map[*survey]bool
	going   map[*removal]bool
}

// pin is what a start is about to mount.
type pin struct {
	server left4me.Name
	env    instance.Env
}

// removal is a directory that is being removed, relative to the root.
type removal struct {
	dir   string
	ended chan struct{} // closed then
}

// survey is the time from before the supervisor is asked what is mounted until
// all that is unused has been removed.
type survey struct {
	of   *layerPins
	pins map[*pin]bool // all that there were in this time
}

func newLayerPins() *layerPins {
	return &layerPins{pins: map[*pin]bool{}, surveys: map[*survey]bool{}, going: map[*removal]bool{}}
}

// pin keeps the layers of env until release is called: when the supervisor says
// that the server is up. It waits for the end of what removes one of them; then
// the caller has to check whether they are still there.
func (m *layerPins) pin(ctx context.Context, n left4me.Name, env instance.Env) (release func(), err error) {
	p := &pin{server: n, env: env}
	for {
		going := m.try(p)
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

// try pins, or returns what has to end first.
func (m *layerPins) try(p *pin) (going <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for r := range m.going {
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

// has reports whether a layer of p is dir or in it.
func (p *pin) has(dir string) bool {
	return slices.ContainsFunc(p.env.Lowerdirs, func(l string) bool { return l == dir || strings.HasPrefix(l, dir+"/") })
}

// survey begins before the supervisor is asked. end must be called.
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

// remove calls f, which removes a directory relative to the root, unless a start
// has pinned something in it since the survey began: then the error is
// left4me.Busy. No start pins it before f has returned.
func (s *survey) remove(dir string, f func() error) error {
	r := &removal{dir: dir, ended: make(chan struct{})}
	if err := s.begin(r); err != nil {
		return err
	}
	defer func() {
		s.of.mu.Lock()
		defer s.of.mu.Unlock()
		delete(s.of.going, r)
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
	s.of.going[r] = true
	return nil
}
