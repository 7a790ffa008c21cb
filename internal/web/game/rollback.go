package game

import (
	"context"
	"net/http"
	"strconv"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// rollbackView returns the page that asks for confirmation before another build becomes current.
func (p *Pages) rollbackView(r *http.Request, who accounts.Actor) (page.View, error) {
	g, err := p.gamePage(r.Context(), who)
	if err != nil {
		return page.View{}, err
	}
	n, _ := strconv.ParseInt(r.URL.Query().Get("build"), 10, 64)
	b, ok := g.build(n)
	if !ok {
		return page.View{}, left4me.NewError(left4me.NotFound, "game.build_not_on_host")
	}
	title := switchLabel(r.Context(), g, b)
	if r.URL.Query().Get("restart") == string(game.Now) {
		return page.View{
			Frame: p.Panel.Frame(r, who, title, "game"),
			Body:  []page.Piece{page.NewPart("restart-question", restartQuestion(g, title, b.Build), page.OnGame(), page.OnServers())},
		}, nil
	}
	return page.View{
		Frame: p.Panel.Frame(r, who, title, "game"),
		Body:  []page.Piece{p.Panel.Form(r, "rollback", rollbackForm(g, b), page.OnGame())},
	}, nil
}

// switchLabel returns what making build b current does: a rollback, or a switch to a newer build.
func switchLabel(ctx context.Context, g gamePage, b left4me.GameBuild) string {
	if b.Build < g.Current {
		return locale.T(ctx, "game.rollback.older", "build", b.Build)
	}
	return locale.T(ctx, "game.rollback.newer", "build", b.Build)
}
