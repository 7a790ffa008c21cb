// Package game is the pages of the game on the host: its builds, its updates, and
// how servers move over to a build.
package game

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of the game.
type Pages struct {
	Panel *page.Panel
	Game  *game.Game
}

// Routes is the part of the table of routes that is about the game.
func (p *Pages) Routes() []page.Route {
	const read, change = accounts.Look, accounts.Act
	return []page.Route{
		page.Show(read, "/game", "/game", p.gameView),
		page.Handle(change, "POST /game/install", p.gameJob(left4me.InstallGame)),
		page.Handle(change, "POST /game/update", p.gameJob(left4me.UpdateGame)),
		page.Handle(change, "POST /game/verify", p.gameJob(left4me.VerifyGame)),
		page.Handle(change, "POST /game/check", p.gameJob(left4me.CheckGame)),
		page.Show(change, "/game/rollback", "/game", p.rollbackView),
		page.Handle(change, "POST /game/rollback", p.gameJob(left4me.RollbackGame)),
		page.Handle(change, "POST /game/pin", p.pinGame),
		page.Handle(change, "POST /game/policy", p.setGamePolicy),
		page.Handle(read, "GET /game/policy", p.Panel.FormAddress),
		page.Handle(change, "POST /game/rollout/cancel", p.cancelRollout),
	}
}
