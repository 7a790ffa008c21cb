package game

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
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
		if kind == left4me.UpdateGame || kind == left4me.RollbackGame {
			asks, err := p.asks(r, who)
			if err != nil {
				return err
			}
			if asks {
				return page.GoOn(w, r, questionAddress(r))
			}
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

// asks reports whether a form has to be confirmed first: it restarts servers immediately and people are
// playing.
func (p *Pages) asks(r *http.Request, who accounts.Actor) (bool, error) {
	if r.PostForm.Get("restart") != string(game.Now) || r.PostForm.Get("asked") != "" {
		return false, nil
	}
	g, err := p.gamePage(r.Context(), who)
	return g.People > 0, err
}

// questionAddress returns the address of the page that asks for confirmation of a form, which is that of
// the form.
func questionAddress(r *http.Request) string {
	q := url.Values{"restart": {string(game.Now)}}
	if build := r.PostForm.Get("build"); build != "" {
		q.Set("build", build)
	}
	return r.URL.Path + "?" + q.Encode()
}

// updateView returns the page that asks for confirmation before an update restarts servers with players.
func (p *Pages) updateView(r *http.Request, who accounts.Actor) (page.View, error) {
	g, err := p.gamePage(r.Context(), who)
	if err != nil {
		return page.View{}, err
	}
	title := locale.T(r.Context(), "game.update")
	return page.View{
		Frame: p.Panel.Frame(r, who, title, "game"),
		Body:  []page.Piece{page.NewPart("restart-question", restartQuestion(g, title, 0), page.OnGame(), page.OnServers())},
	}, nil
}
