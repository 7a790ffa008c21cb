package servers

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
)

// firstRun is the progress of setting up left4me.
type firstRun struct {
	HostAnswers bool
	Overlays    int
	Installed   bool
}

func (p *Pages) firstRun(ctx context.Context, who accounts.Actor) firstRun {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	overlays, err := p.Overlays.Names(ctx)
	overlays = accounts.Visible(who, overlays, left4me.OnOverlay)
	said, _ := p.Game.LastAnswer(p.Hosts.Default())
	return firstRun{HostAnswers: err == nil, Overlays: len(overlays), Installed: said.Current > 0}
}

// hostStatus describes the host while there are no servers.
func hostStatus(ctx context.Context, f firstRun) string {
	if !f.HostAnswers {
		return locale.T(ctx, "servers.first.host.silent")
	}
	if f.Overlays == 0 {
		return locale.T(ctx, "servers.first.host.no_overlays")
	}
	return locale.T(ctx, "servers.first.host.overlays", "count", f.Overlays)
}
