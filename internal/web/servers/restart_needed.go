package servers

import (
	"context"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
)

// restartReasons returns the reasons why a server needs a restart, the most important first.
func restartReasons(ctx context.Context, v servers.View) (all []string) {
	if v.RestartRequired {
		all = append(all, locale.T(ctx, "servers.restart.changes"))
	}
	if v.NewBuild > 0 {
		all = append(all, locale.T(ctx, "servers.restart.build", "build", v.NewBuild))
	}
	switch c := v.NewContent; len(c) {
	case 0:
	case 1:
		all = append(all, locale.T(ctx, "servers.restart.overlay", "change", overlayChange(c[0])))
	case 2:
		all = append(all, locale.T(ctx, "servers.restart.two_overlays", "first", overlayChange(c[0]), "second", overlayChange(c[1])))
	default:
		all = append(all, locale.T(ctx, "servers.restart.overlays", "count", len(c)))
	}
	return all
}

// overlayChange returns an overlay's new revision, such as maps@3, or its removal.
func overlayChange(c left4me.OverlayChange) locale.Message {
	if c.To == 0 {
		return locale.M("servers.restart.removal", "overlay", c.Overlay)
	}
	return locale.M("servers.restart.revision", "overlay", left4me.OverlayRef{Name: c.Overlay, Revision: c.To}.String())
}
