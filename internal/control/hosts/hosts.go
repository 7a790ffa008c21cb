// Package hosts lists the hosts, the machines that run servers: it checks their names, provides the
// default host, and runs the doctor on a host. Answers of hosts are not cached.
package hosts

import (
	"context"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// doctorWithin exceeds the time that a host without any network connection needs.
const doctorWithin = 40 * time.Second

// Hosts is the list of hosts. It is safe for concurrent use.
type Hosts struct {
	bus *bus.Bus
	all []left4me.Name
}

// New returns the list of hosts: own, which runs on the machine of the database, followed by
// others.
func New(b *bus.Bus, own left4me.Name, others ...left4me.Name) *Hosts {
	return &Hosts{bus: b, all: append([]left4me.Name{own}, others...)}
}

// All returns a copy of the list.
func (h *Hosts) All() []left4me.Name { return slices.Clone(h.all) }

// Known checks that a host of this name exists. Errors: left4me.NotFound.
func (h *Hosts) Known(host left4me.Name) error {
	if !slices.Contains(h.all, host) {
		return left4me.NewError(left4me.NotFound, "host.unknown", "host", host)
	}
	return nil
}

// Default returns the host to use where none is named, such as in the definition of a new server or
// in the URL of a page about a host.
func (h *Hosts) Default() left4me.Name { return h.all[0] }

// Content returns the host that builds overlays and stores their revisions.
func (h *Hosts) Content() left4me.Name { return h.all[0] }

// Ping checks that a host answers. Errors: left4me.Unavailable.
func (h *Hosts) Ping(ctx context.Context, host left4me.Name) error {
	return h.bus.Request(ctx, bus.Command(host, bus.VerbPing), bus.Empty{V: bus.Version}, nil)
}

// Doctor runs the doctor on a host, which takes several seconds. Errors: left4me.NotFound,
// left4me.Unavailable.
func (h *Hosts) Doctor(ctx context.Context, host left4me.Name) ([]left4me.Check, error) {
	if err := h.Known(host); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, doctorWithin)
	defer cancel()
	var checks []left4me.Check
	err := h.bus.Request(ctx, bus.Command(host, bus.VerbDoctor), bus.Empty{V: bus.Version}, &checks)
	for i, c := range checks {
		checks[i] = c.Rendered()
	}
	return checks, err
}
