// Package hosts is the side of the machines that run servers that people talk
// to: what is wrong with one. It keeps nothing: every answer is a host's own.
package hosts

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// doctorWithin is longer than a host takes that can't reach anything.
const doctorWithin = 40 * time.Second

// Hosts is the list of hosts. It is safe for concurrent use.
type Hosts struct{ bus *bus.Bus }

// New makes the list.
func New(b *bus.Bus) *Hosts { return &Hosts{bus: b} }

// Ping reports whether a host answers. Errors: left4me.Unavailable.
func (h *Hosts) Ping(ctx context.Context, host left4me.Name) error {
	return h.bus.Request(ctx, bus.Command(host, bus.VerbPing), bus.Empty{V: bus.Version}, nil)
}

// Doctor lets a host look at itself, which takes some seconds. Errors:
// left4me.NotFound, left4me.Unavailable.
func (h *Hosts) Doctor(ctx context.Context, host left4me.Name) ([]left4me.Check, error) {
	if host != left4me.LocalHost {
		return nil, left4me.NewError(left4me.NotFound, "host.unknown", "host", host)
	}
	ctx, cancel := context.WithTimeout(ctx, doctorWithin)
	defer cancel()
	var checks []left4me.Check
	err := h.bus.Request(ctx, bus.Command(host, bus.VerbDoctor), bus.Empty{V: bus.Version}, &checks)
	return checks, err
}
