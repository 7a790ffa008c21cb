package left4me

import (
	"maps"
	"strings"
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

// Error is what a host says went wrong, by the names that people have for its overlays, and
// for its servers as server says, which may be nil. The errors among its arguments have them,
// too. An error that names nothing otherwise is returned as it is.
func (n OverlayNames) Error(err error, server func(host Name) Name) error {
	e, ok := Public(err)
	if !ok {
		return err
	}
	if shown := n.shownError(e, server); shown != e {
		return shown
	}
	return err
}

func (n OverlayNames) shownError(e *Error, server func(Name) Name) *Error {
	if e == nil {
		return nil
	}
	shown := *e
	shown.Args = maps.Clone(e.Args)
	changed := false
	for arg, v := range e.Args {
		switch v := v.(type) {
		case string:
			to := n.Shown
			if arg == "server" || arg == "servers" {
				to = server
			} else if arg != "overlay" {
				continue
			}
			names := shownNames(v, to)
			shown.Args[arg], changed = names, changed || names != v
		case *Error:
			within := n.shownError(v, server)
			shown.Args[arg], changed = within, changed || within != v
		}
	}
	if !changed {
		return e
	}
	shown.Text, shown.Hint = shown.Render()
	return &shown
}

// shownNames are names as JoinNames joins them, each by what people call it.
func shownNames(joined string, to func(Name) Name) string {
	if to == nil {
		return joined
	}
	all := strings.Split(joined, ", ")
	for i, name := range all {
		all[i] = string(to(Name(name)))
	}
	return strings.Join(all, ", ")
}
