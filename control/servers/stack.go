package servers

import (
	"context"
	"fmt"
	"slices"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/bus"
)

// MaxOverlays leaves room for the configuration and the game in the 500 layers
// that the kernel stacks.
const MaxOverlays = 480

// CheckStack says whether a host has the overlays that somebody stacks over those
// of base: each once, not too many of both. Without any no host is asked. Errors:
// left4me.Invalid with the field, left4me.Unavailable.
func CheckStack(ctx context.Context, b *bus.Bus, host left4me.Name, overlays, base []left4me.OverlayRef) error {
	if n := len(overlays) + len(base); n > MaxOverlays {
		return &left4me.Error{Kind: left4me.Invalid, Field: "overlays", Text: fmt.Sprintf("%d overlays are too many", n), Hint: fmt.Sprintf("use at most %d", MaxOverlays)}
	}
	if len(overlays) == 0 {
		return nil
	}
	var have []left4me.Name
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if err := b.Request(ctx, bus.Command(host, bus.VerbOverlays), bus.Empty{V: bus.Version}, &have); err != nil {
		return err
	}
	for i, o := range overlays {
		text := ""
		switch {
		case !slices.Contains(have, o.Name):
			text = fmt.Sprintf("there is no overlay %q", o.Name)
		case slices.ContainsFunc(overlays[:i], func(p left4me.OverlayRef) bool { return p.Name == o.Name }):
			text = fmt.Sprintf("overlay %q is there twice", o.Name)
		}
		if text != "" {
			return &left4me.Error{Kind: left4me.Invalid, Field: fmt.Sprintf("overlays[%d]", i), Text: text}
		}
	}
	return nil
}
