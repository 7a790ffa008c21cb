// Package game contains the pages of the game on the host: its builds, updates and rollouts.
package game

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages serves the pages of the game.
type Pages struct {
	Panel   *page.Panel
	Game    *game.Game
	Hosts   *hosts.Hosts
	Servers *servers.Servers
}

// Routes returns the routes of the game.
func (p *Pages) Routes() []page.Route {
	read, change := page.Site(accounts.See), page.Site(accounts.SiteRight)
	return []page.Route{
		read.Show("/game", "/game", p.gameView),
		change.Handle("POST /game/install", p.gameJob(left4me.InstallGame)),
		change.Show("/game/update", "/game", p.updateView),
		change.Handle("POST /game/update", p.gameJob(left4me.UpdateGame)),
		change.Handle("POST /game/verify", p.gameJob(left4me.VerifyGame)),
		change.Handle("POST /game/check", p.gameJob(left4me.CheckGame)),
		change.Show("/game/rollback", "/game", p.rollbackView),
		change.Handle("POST /game/rollback", p.gameJob(left4me.RollbackGame)),
		change.Handle("POST /game/pin", p.pinGame),
		change.Handle("POST /game/policy", p.setGamePolicy),
		read.FormAddress("/game/policy"),
		change.Handle("POST /game/rollout/cancel", p.cancelRollout),
	}
}
