// Package hosts is the list of hosts, the machines that run servers: which there are,
// which one is meant where nobody names one, and what is wrong with one. What a host
// answers is not kept.
package hosts

import (
	"context"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// doctorWithin is longer than a host takes that can't reach anything.
const doctorWithin = 40 * time.Second

// Hosts is the list of hosts. It is safe for concurrent use.
type Hosts struct {
	bus *bus.Bus
	all []left4me.Name
}

// New makes the list. own is the host on the machine of the database; others come
// behind it.
func New(b *bus.Bus, own left4me.Name, others ...left4me.Name) *Hosts {
	return &Hosts{bus: b, all: append([]left4me.Name{own}, others...)}
}

// All returns the hosts. The slice is the caller's.
func (h *Hosts) All() []left4me.Name { return slices.Clone(h.all) }

// Known checks that there is a host of a name. Errors: left4me.NotFound.
func (h *Hosts) Known(host left4me.Name) error {
	if !slices.Contains(h.all, host) {
		return left4me.NewError(left4me.NotFound, "host.unknown", "host", host)
	}
	return nil
}

// Default returns the host that is meant where none is named: by the definition of a
// new server, or by the address of a page about a host.
func (h *Hosts) Default() left4me.Name { return h.all[0] }

// Content returns the host that builds overlays and keeps their revisions.
func (h *Hosts) Content() left4me.Name { return h.all[0] }

// Ping reports whether a host answers. Errors: left4me.Unavailable.
func (h *Hosts) Ping(ctx context.Context, host left4me.Name) error {
	return h.bus.Request(ctx, bus.Command(host, bus.VerbPing), bus.Empty{V: bus.Version}, nil)
}

// Doctor lets a host look at itself, which takes some seconds. Errors:
// left4me.NotFound, left4me.Unavailable.
func (h *Hosts) Doctor(ctx context.Context, host left4me.Name) ([]left4me.Check, error) {
	if err := h.Known(host); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, doctorWithin)
	defer cancel()
	var checks []left4me.Check
	err := h.bus.Request(ctx, bus.Command(host, bus.VerbDoctor), bus.Empty{V: bus.Version}, &checks)
	return checks, err
}
