package web

import (
	"cmp"
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
)

// gamePage is the game on the host as its page shows it.
type gamePage struct {
	game.View
	May  may
	Form gameForm
}

// gameForm is the form of the policy as it was sent, or as it is.
type gameForm struct {
	Check         string // hours; 0 is never
	Update        bool
	At            string
	Restart, Hour string
	Problems      problems
}

// restartAt is the value of the choice that goes with an hour.
const restartAt = "at"

// restartModes are the choices of when servers move over.
var restartModes = []struct{ Value, Label string }{
	{string(game.Never), "when somebody restarts them"},
	{string(game.Empty), "each when nobody plays on it"},
	{string(game.Now), "now: one first, then all others"},
	{restartAt, "all at the hour"},
}

// intervals are the choices of how often Steam is asked.
var intervals = []struct{ Value, Label string }{
	{"1", "every hour"}, {"6", "every 6 hours"}, {"12", "every 12 hours"}, {"24", "every day"}, {"0", "never"},
}

func gameFormOf(p game.Policy) gameForm {
	f := gameForm{Check: strconv.Itoa(int(p.CheckEvery / time.Hour)), Update: p.Update, At: p.UpdateAt, Restart: p.Restart}
	if strings.Contains(p.Restart, ":") {
		f.Restart, f.Hour = restartAt, p.Restart
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

func (p *panel) gamePage(ctx context.Context, who accounts.Actor) (gamePage, error) {
	v, err := p.Game.Get(ctx, left4me.LocalHost)
	return gamePage{View: v, May: mayOf(who), Form: gameFormOf(v.Policy)}, err
}

// gameView is the game on the host.
func (p *panel) gameView(r *http.Request, who accounts.Actor) (view, error) {
	g, err := p.gamePage(r.Context(), who)
	if err != nil {
		return view{}, err
	}
	f := p.frame(r, who, "Game", "game")
	f.Moving = g.working()
	on := []topic{onGame(), onWork(left4me.InstallGame.Noun(), left4me.LocalHost), onRunning()}
	return view{frame: f, at: "/game", body: []piece{
		fixed(gameHead()), showing("game-problem", gameProblem(g), on...), showing("game-work", gameWork(g, time.Now()), on...),
		box("columns game",
			box("", showing("game-state", gameState(g), on...), showing("game-rollout", gameRollout(g), on...),
				showing("game-builds", gameBuilds(g), on...)),
			box("", p.form(r, "policy", gamePolicy(g), onGame())),
		),
	}}, nil
}

func (p *panel) gameSaid() left4me.Game {
	v, _ := p.Game.Said(left4me.LocalHost)
	return v
}

// gameJob makes a handler that asks for a job on the game.
func (p *panel) gameJob(kind left4me.JobKind) handler {
	return func(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
		if err := r.ParseForm(); err != nil {
			return badForm(err)
		}
		req := game.Request{Restart: game.Mode(restartOf(r.PostForm.Get("restart"), r.PostForm.Get("hour")))}
		if text := r.PostForm.Get("build"); text != "" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return left4me.Errorf(left4me.Invalid, "%s is no build", visible(strconv.Quote(text)))
			}
			req.Build = n
		}
		if _, err := p.Game.Act(r.Context(), who.Name, kind, left4me.LocalHost, req); err != nil {
			return err
		}
		return done(w, r, "/game")
	}
}

// restartOf is the mode of a choice and an hour.
func restartOf(choice, hour string) string {
	if choice == restartAt {
		return cmp.Or(hour, "an hour")
	}
	return choice
}

// rollbackView asks before another build is put in place.
func (p *panel) rollbackView(r *http.Request, who accounts.Actor) (view, error) {
	g, err := p.gamePage(r.Context(), who)
	if err != nil {
		return view{}, err
	}
	n, _ := strconv.ParseInt(r.URL.Query().Get("build"), 10, 64)
	b, ok := g.build(n)
	if !ok {
		return view{}, left4me.Errorf(left4me.NotFound, "there is no such build on this host").
			WithHint("the page of the game lists those that there are")
	}
	return view{frame: p.frame(r, who, "Roll back", "game"), body: []piece{p.form(r, "rollback", rollbackForm(g, b), onGame())}}, nil
}

func (p *panel) pinGame(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	if _, err := p.Game.Pin(r.Context(), who.Name, left4me.LocalHost, r.PostForm.Get("pinned") == "yes"); err != nil {
		return err
	}
	return done(w, r, "/game")
}

func (p *panel) cancelRollout(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if _, err := p.Game.CancelRollout(r.Context(), who.Name, left4me.LocalHost); err != nil {
		return err
	}
	return done(w, r, "/game")
}

func (p *panel) setGamePolicy(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
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
		CheckEvery: time.Duration(hours) * time.Hour, Update: form.Update, UpdateAt: form.At, Restart: restartOf(form.Restart, form.Hour),
	})
	if err == nil {
		return done(w, r, "/game")
	}
	wrong, ok := problemsOf(err)
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
	v.form("policy").typed = gamePolicy(g)
	return p.show(w, r, http.StatusUnprocessableEntity, v)
}

// rolloutTone and rolloutIcon are tone and icon of a rollout or of a server in
// one.
func rolloutTone(state string) string {
	switch state {
	case game.Done, game.Moved:
		return "good"
	case game.Running, game.Moving:
		return "busy"
	case game.Failed:
		return "bad"
	}
	return "idle"
}

func rolloutIcon(state string) string {
	switch state {
	case game.Done, game.Moved:
		return "check"
	case game.Running, game.Moving:
		return "starting"
	case game.Failed:
		return "failed"
	case game.Cancelled, game.Left:
		return "skipped"
	}
	return "pending"
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
	text := count(moved, "server", "servers") + " moved"
	if n := len(r.Wishes); n > 0 {
		text += fmt.Sprintf(", %d to go", n)
	}
	return text
}

// rolloutMode says when servers move in a rollout.
func rolloutMode(mode string) string {
	for _, m := range restartModes {
		if m.Value == mode {
			return m.Label
		}
	}
	return "at " + mode
}

// hourOf is the hour that a form begins with.
func hourOf(hour string) string { return cmp.Or(hour, "05:00") }

// listed reports whether a time between checks is one of the choices.
func listed(hours string) bool {
	for _, i := range intervals {
		if i.Value == hours {
			return true
		}
	}
	return false
}

func joinNames(all []left4me.Name) string {
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = string(n)
	}
	return strings.Join(texts, ", ")
}

// rollbackText says what another build means.
func rollbackText(g gamePage, b left4me.GameBuild) string {
	text := fmt.Sprintf("Servers start with build %d", b.Build)
	if b.Version != "" {
		text += " (version " + visible(b.Version) + ")"
	}
	return fmt.Sprintf("%s from then on, instead of build %d. Nothing is lost: both stay on disk, and you can go to the other one again.",
		text, g.Current)
}

// logID names what a job printed, while it works and after it failed.
func logID(j left4me.Job) string {
	if j.State == left4me.JobFailed {
		return "log-failed-" + string(j.ID)
	}
	return "log-" + string(j.ID)
}
