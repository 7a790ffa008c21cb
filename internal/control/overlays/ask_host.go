package overlays

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// readWithin limits a request for which the host may have to read files or query Steam.
const readWithin = 60 * time.Second

// ask sends a request to the host that stores the content.
func ask[T any](ctx context.Context, c *Overlays, verb string, in any) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	var out T
	names, err := c.storage.Overlays().Names(ctx)
	if err != nil {
		return out, err
	}
	payload, err := onHost(names, in)
	if err == nil {
		err = shownError(c, names, c.bus.Request(ctx, bus.Command(c.host, verb), payload, &out))
	}
	return out, err
}

// shownError returns a host's error with the current names of overlays and servers.
func shownError(c *Overlays, names left4me.OverlayNames, err error) error {
	if c.servers == nil {
		return names.Error(err, nil)
	}
	return c.servers.Names().Error(c.host, names, err)
}

// onHost returns a request with the host's name for the overlay. Errors: left4me.NotFound for a
// name that only the host still uses, because the overlay was renamed.
func onHost(names left4me.OverlayNames, in any) (any, error) {
	var err error
	to := func(n left4me.Name) left4me.Name {
		if names.Shown(n) != n {
			err = left4me.NoSuch("overlay", string(n))
		}
		return names.OnHost(n)
	}
	switch in := in.(type) {
	case bus.OverlayRequest:
		in.Overlay = to(in.Overlay)
		return in, err
	case bus.TreeRequest:
		in.Overlay = to(in.Overlay)
		return in, err
	case bus.DiffRequest:
		in.Overlay = to(in.Overlay)
		return in, err
	case bus.FileRequest:
		in.Overlay = to(in.Overlay)
		return in, err
	case bus.LabelRequest:
		in.Overlay = to(in.Overlay)
		return in, err
	case bus.PlanRequest:
		in.Overlay = to(in.Overlay)
		return in, err
	}
	return in, nil
}
