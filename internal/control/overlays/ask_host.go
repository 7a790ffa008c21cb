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
	if err == nil {
		err = names.Error(c.bus.Request(ctx, bus.Command(c.host, verb), onHost(names, in), &out))
	}
	return out, err
}

// onHost is a question to a host with its name for the overlay.
func onHost(names left4me.OverlayNames, in any) any {
	switch in := in.(type) {
	case bus.OverlayRequest:
		in.Overlay = names.OnHost(in.Overlay)
		return in
	case bus.TreeRequest:
		in.Overlay = names.OnHost(in.Overlay)
		return in
	case bus.DiffRequest:
		in.Overlay = names.OnHost(in.Overlay)
		return in
	case bus.FileRequest:
		in.Overlay = names.OnHost(in.Overlay)
		return in
	case bus.LabelRequest:
		in.Overlay = names.OnHost(in.Overlay)
		return in
	case bus.PlanRequest:
		in.Overlay = names.OnHost(in.Overlay)
		return in
	}
	return in
}
