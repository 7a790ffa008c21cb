package game

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/rollouts"
)

// gamePage is the game on the host as its page shows it.
type gamePage struct {
	game.View
	May  page.Permission
	Form gameForm
}

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

// working reports whether a job on the game is under way.
func (g gamePage) working() bool { return g.Job != nil && !g.Job.State.Ended() }

// build is what is known of a build that is on disk.
func (g gamePage) build(n int64) (left4me.GameBuild, bool) {
	i := slices.IndexFunc(g.Builds, func(b left4me.GameBuild) bool { return b.Build == n })
	if i < 0 {
		return left4me.GameBuild{}, false
	}
	return g.Builds[i], true
}

func (p *Pages) gamePage(ctx context.Context, who accounts.Actor) (gamePage, error) {
	v, err := p.Game.Get(ctx, left4me.LocalHost)
	return gamePage{View: v, May: page.PermissionOf(who), Form: gameFormOf(v.Policy)}, err
}

// gameView is the game on the host.
func (p *Pages) gameView(r *http.Request, who accounts.Actor) (page.View, error) {
	g, err := p.gamePage(r.Context(), who)
	if err != nil {
		return page.View{}, err
	}
	f := p.Panel.Frame(r, who, "Game", "game")
	f.Moving = g.working()
	on := []page.Topic{page.OnGame(), page.OnWork(left4me.InstallGame.Noun(), left4me.LocalHost), page.OnRunning()}
	return page.View{Frame: f, At: "/game", Body: []page.Piece{
		page.Fixed(gameHead()), page.NewPart("game-problem", gameProblem(g), on...),
		page.NewPart("game-work", gameWork(g, time.Now()), on...),
		page.Box("columns game",
			page.Box("", page.NewPart("game-state", gameState(g), on...), page.NewPart("game-rollout", gameRollout(g), on...),
				page.NewPart("game-builds", gameBuilds(g), on...)),
			page.Box("", p.Panel.Form(r, "policy", gamePolicy(g), page.OnGame())),
		),
	}}, nil
}

// gameJob makes a handler that asks for a job on the game.
func (p *Pages) gameJob(kind left4me.JobKind) page.Handler {
	return func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
		if err := r.ParseForm(); err != nil {
			return page.BadForm(err)
		}
		req := game.Request{Restart: game.Mode(rollouts.RestartOf(r.PostForm.Get("restart"), r.PostForm.Get("hour")))}
		if text := r.PostForm.Get("build"); text != "" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return left4me.Errorf(left4me.Invalid, "%s is no build", format.Visible(strconv.Quote(text)))
			}
			req.Build = n
		}
		if _, err := p.Game.Act(r.Context(), who.Name, kind, left4me.LocalHost, req); err != nil {
			return err
		}
		return page.Done(w, r, "/game")
	}
}

// rollbackView asks before another build is put in place.
func (p *Pages) rollbackView(r *http.Request, who accounts.Actor) (page.View, error) {
	g, err := p.gamePage(r.Context(), who)
	if err != nil {
		return page.View{}, err
	}
	n, _ := strconv.ParseInt(r.URL.Query().Get("build"), 10, 64)
	b, ok := g.build(n)
	if !ok {
		return page.View{}, left4me.Errorf(left4me.NotFound, "there is no such build on this host").
			WithHint("the page of the game lists those that there are")
	}
	return page.View{
		Frame: p.Panel.Frame(r, who, "Roll back", "game"),
		Body:  []page.Piece{p.Panel.Form(r, "rollback", rollbackForm(g, b), page.OnGame())},
	}, nil
}

func (p *Pages) pinGame(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	if _, err := p.Game.Pin(r.Context(), who.Name, left4me.LocalHost, r.PostForm.Get("pinned") == "yes"); err != nil {
		return err
	}
	return page.Done(w, r, "/game")
}

func (p *Pages) cancelRollout(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if _, err := p.Game.CancelRollout(r.Context(), who.Name, left4me.LocalHost); err != nil {
		return err
	}
	return page.Done(w, r, "/game")
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
	_, err = p.Game.SetPolicy(r.Context(), who.Name, left4me.LocalHost, game.Policy{
		CheckEvery: time.Duration(hours) * time.Hour, Update: form.Update, UpdateAt: form.At,
		Restart: rollouts.RestartOf(form.Restart, form.Hour),
	})
	if err == nil {
		return page.Done(w, r, "/game")
	}
	wrong, ok := page.ProblemsOf(err)
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

// rolloutTitle says what a rollout is about.
func rolloutTitle(r *game.Rollout) string {
	if r.Build == 0 {
		return "Servers move over when the job is done"
	}
	return fmt.Sprintf("Servers move over to build %d", r.Build)
}

// rolloutSum says how far it is.
func rolloutSum(r *game.Rollout) string {
	moved := 0
	for _, m := range r.Moves {
		if m.State == game.Moved {
			moved++
		}
	}
	text := format.Count(moved, "server", "servers") + " moved"
	if n := len(r.Wishes); n > 0 {
		text += fmt.Sprintf(", %d to go", n)
	}
	return text
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

// rollbackText says what another build means.
func rollbackText(g gamePage, b left4me.GameBuild) string {
	text := fmt.Sprintf("Servers start with build %d", b.Build)
	if b.Version != "" {
		text += " (version " + format.Visible(b.Version) + ")"
	}
	return fmt.Sprintf("%s from then on, instead of build %d. Nothing is lost: both stay on disk, and you can go to the other one again.",
		text, g.Current)
}
