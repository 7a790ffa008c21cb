package servers

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

// firstRun is how far somebody is who sees left4me for the first time.
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

// hostSays is what is known of the machine when there are no servers yet.
func hostSays(f firstRun) string {
	if !f.HostAnswers {
		return "It does not answer yet. The log of left4me says why."
	}
	if f.Overlays == 0 {
		return "This one answers. It has no overlays yet: the game runs as it is."
	}
	return "This one answers and has " + format.Count(f.Overlays, "overlay", "overlays") + "."
}
