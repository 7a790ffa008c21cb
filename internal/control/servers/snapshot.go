package servers

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// Generations reports whether anything was written: while the number is the same, results read
// earlier are still valid.
type Generations interface{ Generation() uint64 }

// snapshot holds what the store contains about all servers. It is immutable, because readers share
// it.
type snapshot struct {
	generation uint64
	servers    []left4me.Server       // all servers, sorted by name
	hashes     []string               // hash of the spec with which each server would start now
	overlays   [][]left4me.OverlayRef // stack that each would be started with, by host names
	stacks     [][]left4me.OverlayRef // the same by their names
	names      left4me.OverlayNames
	blueprints map[left4me.Name]left4me.Blueprint
	address    string // public address set by a user
	active     map[left4me.Name]left4me.Job
	failed     map[left4me.Name]left4me.Job // servers whose newest job failed
}

// snapshot returns the servers from the store. It reuses the last snapshot if nothing was written
// since, because the list is read far more often than it changes.
func (s *Servers) snapshot(ctx context.Context) (*snapshot, error) {
	generation := s.storage.Generation() // read first, so that a concurrent write invalidates the snapshot
	if v := s.lastSnapshot.Load(); v != nil && v.generation == generation {
		return v, nil
	}
	d, err := s.definitions(ctx)
	if err != nil {
		return nil, err
	}
	active, err := s.jobs.Active(ctx, "server")
	if err != nil {
		return nil, err
	}
	names := make([]left4me.Name, len(d.servers))
	for i, srv := range d.servers {
		names[i] = srv.Name
	}
	failed, err := s.jobs.Failed(ctx, "server", names)
	if err != nil {
		return nil, err
	}
	v := &snapshot{
		generation: generation,
		servers:    d.servers,
		hashes:     make([]string, len(d.servers)),
		overlays:   make([][]left4me.OverlayRef, len(d.servers)),
		stacks:     make([][]left4me.OverlayRef, len(d.servers)),
		names:      d.names,
		blueprints: d.blueprints,
		address:    d.address,
		active:     active,
		failed:     failed,
	}
	for i, srv := range d.servers {
		sp := d.spec(srv)
		v.stacks[i] = sp.Overlays
		sp = d.names.SpecOnHost(sp)
		v.hashes[i], v.overlays[i] = sp.Hash(), sp.Overlays
	}
	s.lastSnapshot.Store(v)
	return v, nil
}

// Version identifies a result of List: it is equal as long as List returns the same.
type Version struct{ written, reported uint64 }

// Version returns the version of the list. It must be called before List: the list may be newer
// than the version, but not older.
func (s *Servers) Version() Version { return Version{s.storage.Generation(), s.status.sequence()} }

// List returns all servers by name.
func (s *Servers) List(ctx context.Context) ([]View, error) {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]View, len(snap.servers))
	for i := range snap.servers {
		views[i] = s.view(snap, i)
	}
	return views, nil
}

// Get returns one server. Errors: left4me.NotFound.
func (s *Servers) Get(ctx context.Context, name left4me.Name) (View, error) {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return View{}, err
	}
	i, ok := slices.BinarySearchFunc(snap.servers, name, func(v left4me.Server, n left4me.Name) int {
		return strings.Compare(string(v.Name), string(n))
	})
	if !ok {
		_, err := s.storage.Servers().Get(ctx, name) // returns the NotFound error
		return View{}, err
	}
	return s.view(snap, i), nil
}

// view returns a server with its current status.
func (s *Servers) view(snap *snapshot, i int) View {
	v := View{stack: snap.stacks[i], Server: snap.servers[i]}
	v.base = snap.blueprints[v.Blueprint]
	v.Public = s.Addresses().of(snap.address, v.Host)
	v.Status = s.status.get(v.Server)
	if j, ok := snap.active[v.Name]; ok {
		v.Job = &j
	}
	if why := v.Status.Why; why != nil {
		if e, ok := left4me.Public(s.Names().Error(v.Host, snap.names, why)); ok && e != why {
			v.Status.Explain(e)
		}
	}
	st := v.Status
	if build := s.status.build(v.Host); st.State.Up() && st.Build != 0 && build != 0 && build != st.Build {
		v.NewBuild = build
	}
	// An agent that reports builds also reports the revisions a server was started with.
	if current, known := s.status.revisions(v.Host); known && st.State.Up() && st.Build != 0 {
		v.NewContent = newContent(st.Overlays, snap.overlays[i], current)
		for i := range v.NewContent {
			v.NewContent[i].Overlay = snap.names.Shown(v.NewContent[i].Overlay)
		}
	}
	if stack, current := snap.overlays[i], s.status.currentOn(v.Host); st.Map != "" && len(st.Overlays) > 0 {
		v.Place = s.places.of(v.Name, v.Host, st.Overlays, current, st.Map, v.Mode())
	} else {
		v.Place = s.places.of(v.Name, v.Host, stack, current, cmp.Or(st.Map, v.FirstMap()), v.Mode())
	}
	v.Status.Overlays = snap.names.RefsShown(st.Overlays)
	if !st.State.Up() && v.Wanted == left4me.WantRunning {
		switch waits := s.status.startBlocker(v.Host); {
		case v.Held == "" && v.Job == nil && waits != nil:
			v.Status.Explain(waits)
		case st.Reason == "":
			v.Status.Explain(v.Held.Reason()) // the host's own reason was lost with the reboot
		}
	}
	// A failed start no longer matters once the server is up.
	if j, ok := snap.failed[v.Name]; ok && v.Job == nil && (j.Kind != left4me.ChangeMap || st.State.Up()) &&
		(!st.State.Up() || j.Kind != left4me.StartServer && j.Kind != left4me.RestartServer) {
		v.Failed = &j
	}
	v.RestartRequired = st.State.Up() && st.SpecHash != "" && st.SpecHash != snap.hashes[i]
	return v
}
