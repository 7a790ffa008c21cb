package game

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/rollouts"
)

// gameForm holds the values of the form of the update policy, as submitted or as stored.
type gameForm struct {
	Check         string // hours between checks for updates; 0 disables checks
	Update        bool
	At            string
	Restart, Hour string
	Problems      page.Problems
}

// intervals lists the choices of hours between checks for updates.
var intervals = []string{"1", "6", "12", "24", "0"}

// intervalLabel returns the label of a number of hours between checks for updates.
func intervalLabel(ctx context.Context, hours string) string {
	switch n, err := strconv.Atoi(hours); {
	case err != nil:
		return format.Visible(hours)
	case n == 0:
		return locale.T(ctx, "game.policy.check.never")
	case n == 24:
		return locale.T(ctx, "game.policy.check.day")
	default:
		return locale.T(ctx, "game.policy.check.hours", "count", n)
	}
}

func gameFormOf(p game.Policy) gameForm {
	f := gameForm{Check: strconv.Itoa(int(p.CheckEvery / time.Hour)), Update: p.Update, At: p.UpdateAt, Restart: p.Restart}
	if strings.Contains(p.Restart, ":") {
		f.Restart, f.Hour = rollouts.AtHour, p.Restart
	}
	return f
}

func (p *Pages) setGamePolicy(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	get := r.PostForm.Get
	form := gameForm{
		Check:   get("check_hours"),
		Update:  get("update") != "",
		At:      get("update_at"),
		Restart: get("restart"),
		Hour:    get("hour"),
	}
	hours, err := strconv.Atoi(form.Check)
	if err != nil {
		hours = -1
	}
	_, err = p.Game.SetPolicy(r.Context(), who.Cause(), p.Hosts.Default(), game.Policy{
		CheckEvery: time.Duration(hours) * time.Hour, Update: form.Update, UpdateAt: form.At,
		Restart: rollouts.RestartOf(form.Restart, form.Hour),
	})
	if err == nil {
		return page.Done(w, r, "/game")
	}
	wrong, ok := page.ProblemsOf(r.Context(), who, err)
	if !ok {
		return err
	}
	g, err := p.gamePage(r.Context(), who)
	if err != nil {
		return err
	}
	g.Form, g.Form.Problems = form, wrong
	v, err := p.gameView(r, who)
	if err != nil {
		return err
	}
	v.Form("policy").Typed = gamePolicy(g)
	return p.Panel.Show(w, r, http.StatusUnprocessableEntity, v)
}
