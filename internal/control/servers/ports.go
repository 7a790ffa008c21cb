package servers

import (
	"context"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// PortRange is the range for automatically assigned ports, inclusive.
type PortRange struct{ Low, High int }

// createOnFreePort adds a server with the next free port, and tries the following one if a
// concurrent request takes it.
func (c Creation) createOnFreePort(ctx context.Context, by left4me.Actor, v left4me.Server) (left4me.Server, error) {
	for {
		var err error
		if v.Port, err = c.freePort(ctx, v); err != nil {
			return v, err
		}
		err = c.servers.storage.By(by).Servers().Create(ctx, v)
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Conflict || e.Field != "port" {
			return v, err
		}
	}
}

// freePort returns the lowest port of the range that no server on v's host uses for the game or for
// SourceTV. Ports that the host reports as used by another program are skipped.
func (c Creation) freePort(ctx context.Context, v left4me.Server) (int, error) {
	specs, err := c.servers.neighbours(ctx, v)
	if err != nil {
		return 0, err
	}
	return c.portWithin(ctx, c.servers.ports, v.Host, specs)
}

// portWithin returns the lowest port of r that the last of specs can have beside the others on its
// host.
func (c Creation) portWithin(ctx context.Context, r PortRange, host left4me.Name, specs []left4me.Spec) (int, error) {
	last := &specs[len(specs)-1]
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for port := r.Low; port <= r.High; port++ {
		last.Port = port
		taken := slices.ContainsFunc(specs[:len(specs)-1], func(sp left4me.Spec) bool { return sp.Port == port }) ||
			slices.ContainsFunc(left4me.PortClashes(specs), func(c left4me.PortClash) bool { return c.Server == last.Name })
		if taken {
			continue
		}
		err := c.servers.bus.Request(ctx, bus.Command(host, bus.VerbPort), bus.PortRequest{V: bus.Version, Port: port}, nil)
		if e, ok := left4me.Public(err); ok && e.Kind == left4me.Conflict {
			continue
		}
		// A host that doesn't answer must not prevent the creation of a server: the port is checked
		// again at the start.
		return port, nil
	}
	return 0, left4me.NewError(left4me.Conflict, "port.none_free", "low", r.Low, "high", r.High).InField("port")
}

// neighbours returns the specs of the other servers on v's host, followed by v.
func (s *Servers) neighbours(ctx context.Context, v left4me.Server) ([]left4me.Spec, error) {
	d, err := s.definitions(ctx)
	if err != nil {
		return nil, err
	}
	var specs []left4me.Spec
	for _, o := range append(d.servers, v) {
		if o.Host == v.Host {
			specs = append(specs, d.spec(o))
		}
	}
	return specs, nil
}
