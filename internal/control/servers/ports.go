package servers

import (
	"context"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// PortRange is where ports come from when nobody names one, both ends included.
type PortRange struct{ Low, High int }

// createOnFreePort adds a server with the next port that is free. When somebody
// else took that one meanwhile, it is the one after it.
func (s *Servers) createOnFreePort(ctx context.Context, by left4me.Actor, v left4me.Server) (left4me.Server, error) {
	for {
		var err error
		if v.Port, err = s.freePort(ctx, v); err != nil {
			return v, err
		}
		err = s.storage.By(by).Servers().Create(ctx, v)
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Conflict || e.Field != "port" {
			return v, err
		}
	}
}

// freePort finds the lowest port of the range for v that no server of its host
// has, neither for its game nor for its SourceTV, and that no other program there
// uses as far as the host can say.
func (s *Servers) freePort(ctx context.Context, v left4me.Server) (int, error) {
	specs, err := s.neighbours(ctx, v)
	if err != nil {
		return 0, err
	}
	last := &specs[len(specs)-1]
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for port := s.ports.Low; port <= s.ports.High; port++ {
		last.Port = port
		taken := slices.ContainsFunc(specs[:len(specs)-1], func(sp left4me.Spec) bool { return sp.Port == port }) ||
			slices.ContainsFunc(left4me.PortClashes(specs), func(c left4me.PortClash) bool { return c.Server == v.Name })
		if taken {
			continue
		}
		err := s.bus.Request(ctx, bus.Command(v.Host, bus.VerbPort), bus.PortRequest{V: bus.Version, Port: port}, nil)
		if e, ok := left4me.Public(err); ok && e.Kind == left4me.Conflict {
			continue
		}
		// A host that can't be asked does not keep anyone from planning a
		// server: the port is checked again when it starts.
		return port, nil
	}
	return 0, left4me.NewError(left4me.Conflict, "port.none_free", "low", s.ports.Low, "high", s.ports.High).InField("port")
}

// neighbours are the servers of the host of v, and then v, which is not there yet.
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
