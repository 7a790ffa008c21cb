package left4me

import (
	"fmt"
	"maps"
)

// OverlayNames are the overlays that people call otherwise than their host does: those that
// were renamed. No name is that of one overlay and was that of another, so that what was
// translated already stays as it is. The zero value translates nothing; a value is never
// changed and may be shared.
type OverlayNames struct {
	onHost map[Name]Name // by what people call them
	shown  map[Name]Name // by what their host calls them
}

// NewOverlayNames makes them from the names on the host, by those that people have.
func NewOverlayNames(onHost map[Name]Name) OverlayNames {
	n := OverlayNames{onHost: maps.Clone(onHost), shown: make(map[Name]Name, len(onHost))}
	for name, host := range onHost {
		n.shown[host] = name
	}
	return n
}

// OnHost is what the host calls an overlay.
func (n OverlayNames) OnHost(name Name) Name {
	if host, ok := n.onHost[name]; ok {
		return host
	}
	return name
}

// Shown is what people call an overlay of the host.
func (n OverlayNames) Shown(host Name) Name {
	if name, ok := n.shown[host]; ok {
		return name
	}
	return host
}

// Foreign reports whether a directory of the host has the name of an overlay whose own
// directory is another one: somebody made it by hand, and nothing uses it.
func (n OverlayNames) Foreign(host Name) bool {
	_, ok := n.onHost[host]
	return ok
}

// RefsOnHost are layers as the host calls them.
func (n OverlayNames) RefsOnHost(refs []OverlayRef) []OverlayRef { return renamedRefs(refs, n.OnHost) }

// RefsShown are layers of the host as people call them.
func (n OverlayNames) RefsShown(refs []OverlayRef) []OverlayRef { return renamedRefs(refs, n.Shown) }

func renamedRefs(refs []OverlayRef, to func(Name) Name) []OverlayRef {
	if refs == nil {
		return nil
	}
	all := make([]OverlayRef, len(refs))
	for i, r := range refs {
		all[i] = OverlayRef{Name: to(r.Name), Revision: r.Revision}
	}
	return all
}

// SpecOnHost is s with the overlays as the host calls them.
func (n OverlayNames) SpecOnHost(s Spec) Spec {
	if len(n.onHost) == 0 {
		return s
	}
	s.Overlays = n.RefsOnHost(s.Overlays)
	if s.OverlayCfg != nil {
		cfg := make(map[Name][]string, len(s.OverlayCfg))
		for name, lines := range s.OverlayCfg {
			cfg[n.OnHost(name)] = lines
		}
		s.OverlayCfg = cfg
	}
	return s
}

// All are the names that people have, by those on the host. It must not be changed.
func (n OverlayNames) All() map[Name]Name { return n.shown }

// Error is what a host says went wrong with an overlay, by the name that people have for it.
func (n OverlayNames) Error(err error) error {
	e, ok := Public(err)
	if !ok || e.Args["overlay"] == nil {
		return err
	}
	host := Name(fmt.Sprint(e.Args["overlay"]))
	if n.Shown(host) == host {
		return err
	}
	shown := *e
	shown.Args = maps.Clone(e.Args)
	shown.Args["overlay"] = string(n.Shown(host))
	shown.Text, shown.Hint = shown.Render()
	return &shown
}
