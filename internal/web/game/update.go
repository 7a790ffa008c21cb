package game

import (
	"net/http"
	"strconv"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/rollouts"
)

// gameJob returns a handler that adds a job of a kind on the game.
func (p *Pages) gameJob(kind left4me.JobKind) page.Handler {
	return func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
		if err := r.ParseForm(); err != nil {
			return page.BadForm(err)
		}
		req := game.Request{Restart: game.Mode(rollouts.RestartOf(r.PostForm.Get("restart"), r.PostForm.Get("hour")))}
		if text := r.PostForm.Get("build"); text != "" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return left4me.NewError(left4me.Invalid, "game.build_text_invalid", "text", format.Visible(strconv.Quote(text)))
			}
			req.Build = n
		}
		if _, err := p.Game.Act(r.Context(), who.Cause(), kind, p.Hosts.Default(), req); err != nil {
			return err
		}
		return page.Done(w, r, "/game")
	}
}
