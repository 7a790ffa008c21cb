package game

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// rollbackView asks before another build is put in place.
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
	return page.View{
		Frame: p.Panel.Frame(r, who, "Roll back", "game"),
		Body:  []page.Piece{p.Panel.Form(r, "rollback", rollbackForm(g, b), page.OnGame())},
	}, nil
}

// rollbackText says what another build means.
func rollbackText(g gamePage, b left4me.GameBuild) string {
	text := fmt.Sprintf("Servers start with build %d", b.Build)
	if b.Version != "" {
		text += " (version " + format.Visible(b.Version) + ")"
	}
	return fmt.Sprintf("%s from then on, instead of build %d. Nothing is lost: both stay on disk, and you can go to the other one again.",
		text, g.Current)
}
