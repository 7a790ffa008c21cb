package create

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// Progress is the progress of a new installation from the game to the first player.
type Progress struct {
	HostAnswers bool
	Installed   bool // the game is installed
	Overlays    int
	Server      left4me.Name // first server; empty if none
	MayCreate   bool         // the user may create servers
	Game        bool         // the user may see the game's page
	Content     bool         // the user may create overlays
}

// Needed reports whether the checklist is shown: until a server was started for the first time. all
// are the servers that the user may see.
func Needed(all []servers.View) bool {
	for _, v := range all {
		if v.WantedBy != "" || v.Status.State.Up() || v.Job != nil {
			return false
		}
	}
	return len(all) < 2
}

// Progress reads the progress of a new installation.
func (p *Pages) Progress(ctx context.Context, who accounts.Actor, all []servers.View) Progress {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	overlays, err := p.Overlays.Names(ctx)
	overlays = accounts.Visible(who, overlays, left4me.OnOverlay)
	said, _ := p.Game.LastAnswer(p.Hosts.Default())
	now := Progress{
		HostAnswers: err == nil, Overlays: len(overlays), Installed: said.Current > 0, MayCreate: MayCreate(who).Act,
		Game: page.Sees(who, left4me.Site), Content: page.May(who, accounts.Manage, anyOverlay).Act,
	}
	if len(all) > 0 {
		now.Server = all[0].Name
	}
	return now
}
