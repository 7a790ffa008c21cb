package game

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	controlbulk "github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// gamePage is the data of the page of the game on the default host.
type gamePage struct {
	game.View
	May     page.Permission // permission to change the game
	Form    gameForm
	Playing []servers.View // the running servers with players, as far as the reader may see them
	People  int            // number of players on all servers, and number of servers that they play on
	On      int
}

// restartWhereNeeded restarts the servers that run with an older build, settings or overlays.
var restartWhereNeeded = controlbulk.Request{Kind: left4me.RestartServer, All: true, NeedsRestart: true}

// working reports whether a job on the game is queued or running.
func (g gamePage) working() bool { return g.Job != nil && !g.Job.State.Ended() }

// build returns the build of that number, if it is on disk.
func (g gamePage) build(n int64) (left4me.GameBuild, bool) {
	i := slices.IndexFunc(g.Builds, func(b left4me.GameBuild) bool { return b.Build == n })
	if i < 0 {
		return left4me.GameBuild{}, false
	}
	return g.Builds[i], true
}

// visible removes the servers that the actor may not see from v.
func visible(who accounts.Actor, v *game.View) {
	v.Builds = slices.Clone(v.Builds)
	for i, b := range v.Builds {
		v.Builds[i].Servers = accounts.Visible(who, b.Servers, left4me.OnServer)
	}
	if v.Rollout != nil {
		r := *v.Rollout
		r.Moves, r.Wishes, r.Reason = rolloutrules.Visible(who, r.Moves, r.Wishes, r.Reason)
		v.Rollout = &r
	}
}

func (p *Pages) gamePage(ctx context.Context, who accounts.Actor) (gamePage, error) {
	v, err := p.Game.Get(ctx, p.Hosts.Default())
	visible(who, &v)
	g := gamePage{View: v, May: page.May(who, accounts.SiteRight, left4me.Site), Form: gameFormOf(v.Policy)}
	if err != nil {
		return g, err
	}
	all, err := p.Servers.List(ctx)
	if err != nil {
		return g, err
	}
	for _, s := range all {
		if s.Status.State.Up() && s.Status.Players > 0 {
			g.Playing = append(g.Playing, s)
			g.People, g.On = g.People+s.Status.Players, g.On+1
		}
	}
	g.Playing = accounts.Visible(who, g.Playing, func(s servers.View) left4me.Target { return s.Target() })
	return g, nil
}

// gameView returns the page of the game.
func (p *Pages) gameView(r *http.Request, who accounts.Actor) (page.View, error) {
	g, err := p.gamePage(r.Context(), who)
	if err != nil {
		return page.View{}, err
	}
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "page.menu.game"), "game")
	f.Moving = g.working()
	on := []page.Topic{page.OnGame(), page.OnWork(left4me.InstallGame.Noun(), p.Hosts.Default()), page.OnRunning()}
	return page.View{Frame: f, At: "/game", Body: []page.Piece{
		page.Fixed(gameHead()), page.NewPart("game-problem", gameProblem(g), on...),
		page.NewPart("game-work", gameWork(g, time.Now()), on...),
		page.Box("columns game",
			page.Box("",
				page.NewPart("game-state", gameState(g), append(on, page.OnServers())...),
				page.NewPart("game-rollout", gameRollout(g), on...),
				page.NewPart("game-builds", gameBuilds(g), on...)),
			page.Box("", p.Panel.Form(r, "policy", gamePolicy(g), page.OnGame())),
		),
	}}, nil
}
