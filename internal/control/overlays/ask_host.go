package overlays

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// readWithin bounds what a host may have to read or to ask Steam for.
const readWithin = 60 * time.Second

// ask asks the host that has the content.
func ask[T any](ctx context.Context, c *Overlays, verb string, in any) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	var out T
	names, err := c.storage.Overlays().Names(ctx)
	if err != nil {
		return out, err
	}
	told, err := onHost(names, in)
	if err == nil {
		err = shownError(c, names, c.bus.Request(ctx, bus.Command(c.host, verb), told, &out))
	}
	return out, err
}

// shownError is what the host says went wrong, by the names that people have.
func shownError(c *Overlays, names left4me.OverlayNames, err error) error {
	if c.servers == nil {
		return names.Error(err, nil)
	}
	return c.servers.Names().Error(c.host, names, err)
}

// onHost is a question to a host with its name for the overlay. Errors: left4me.NotFound for a
// name that only the host uses: people called the overlay so once.
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
