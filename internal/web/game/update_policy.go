package game

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/rollouts"
)

// gameForm is the form of the policy as it was sent, or as it is.
type gameForm struct {
	Check         string // hours; 0 is never
	Update        bool
	At            string
	Restart, Hour string
	Problems      page.Problems
}

// intervals are the choices of how often Steam is asked.
var intervals = []struct{ Value, Label string }{
	{"1", "every hour"}, {"6", "every 6 hours"}, {"12", "every 12 hours"}, {"24", "every day"}, {"0", "never"},
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

// listed reports whether a time between checks is one of the choices.
func listed(hours string) bool {
	for _, i := range intervals {
		if i.Value == hours {
			return true
		}
	}
	return false
}
