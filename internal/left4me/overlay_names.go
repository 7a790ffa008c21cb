package left4me

import (
	"maps"
	"strings"
)

// OverlayNames translates between the displayed names of overlays and the names that their host
// uses, which differ for renamed overlays. No displayed name was ever another overlay's name on the
// host, so translating twice has no effect. The zero value translates nothing. A value is immutable
// and may be shared between goroutines.
type OverlayNames struct {
	onHost map[Name]Name // names on the host by displayed name
	shown  map[Name]Name // displayed names by name on the host
}

// NewOverlayNames returns a translation from a map of displayed names to names on the host.
func NewOverlayNames(onHost map[Name]Name) OverlayNames {
	n := OverlayNames{onHost: maps.Clone(onHost), shown: make(map[Name]Name, len(onHost))}
	for name, host := range onHost {
		n.shown[host] = name
	}
	return n
}

// OnHost returns the host's name of an overlay.
func (n OverlayNames) OnHost(name Name) Name {
	if host, ok := n.onHost[name]; ok {
		return host
	}
	return name
}

// Shown returns the displayed name of an overlay of the host.
func (n OverlayNames) Shown(host Name) Name {
	if name, ok := n.shown[host]; ok {
		return name
	}
	return host
}

// Foreign reports whether a directory of the host has the displayed name of an overlay that is
// stored in another directory. Such a directory was created by hand, and nothing uses it.
func (n OverlayNames) Foreign(host Name) bool {
	_, ok := n.onHost[host]
	return ok
}

// RefsOnHost returns layers with the host's names.
func (n OverlayNames) RefsOnHost(refs []OverlayRef) []OverlayRef { return renamedRefs(refs, n.OnHost) }

// RefsShown returns layers with the displayed names.
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

// SpecOnHost returns s with the host's names of overlays.
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

// All returns the displayed names by the names on the host. The caller must not change the map.
func (n OverlayNames) All() map[Name]Name { return n.shown }

// Error returns an error of a host with the displayed names of overlays, and of servers as
// translated by server, which may be nil. It also translates the errors among the arguments. It
// returns err unchanged if it contains no name to translate.
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

// shownNames translates each of the names joined by JoinNames.
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
