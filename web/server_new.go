package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/accounts"
)

// serverForm is the form of a new server as it was typed.
type serverForm struct {
	Name, Port, Blueprint, Hostname, Map, Mode, Difficulty, MaxPlayers, Cfg string

	Blueprints []left4me.Blueprint // to choose from
	Problems   problems
}

func (p *panel) newServer(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	return p.renderNewServer(w, r, who, http.StatusOK, serverForm{Blueprint: string(left4me.DefaultBlueprint)})
}

func (p *panel) renderNewServer(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, form serverForm) error {
	all, err := p.Content.Blueprints(r.Context())
	if err != nil {
		return err
	}
	form.Blueprints = all
	return p.render(w, r, status, newServerPage(p.frame(r, who, "New server", "servers"), form))
}

func (p *panel) createServer(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	form := readServerForm(r.PostForm)
	server, err := form.server()
	if err == nil {
		_, err = p.Servers.Create(r.Context(), server)
	}
	if wrong, ok := problemsOf(err); ok {
		form.Problems = wrong
		status := http.StatusUnprocessableEntity
		if errors.Is(err, left4me.Conflict) {
			status = http.StatusConflict
		}
		return p.renderNewServer(w, r, who, status, form)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/servers/"+string(server.Name), http.StatusSeeOther)
	return nil
}

func readServerForm(v url.Values) serverForm {
	trimmed := func(field string) string { return strings.TrimSpace(v.Get(field)) }
	return serverForm{
		Name: trimmed("name"), Port: trimmed("port"), Blueprint: trimmed("blueprint"),
		Hostname: trimmed("hostname"), Map: trimmed("map"), Mode: trimmed("mode"),
		Difficulty: trimmed("difficulty"), MaxPlayers: trimmed("max_players"), Cfg: v.Get("cfg"),
	}
}

// server is what the form asks for. What can't be a number or a name is said
// here; the rest is checked where every definition is.
func (f serverForm) server() (left4me.Server, error) {
	var wrong left4me.Fields
	number := func(field, text string) int {
		if text == "" {
			return 0
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			wrong = append(wrong, &left4me.Error{Kind: left4me.Invalid, Field: field, Text: visible(strconv.Quote(text)) + " is not a number here", Hint: "use digits, or leave it empty"})
		}
		return n
	}
	v := left4me.Server{
		Name: left4me.Name(f.Name), Port: number("port", f.Port), Blueprint: left4me.Name(f.Blueprint),
		Settings: left4me.Settings{
			Hostname: f.Hostname, Map: f.Map, Mode: f.Mode, Difficulty: f.Difficulty,
			MaxPlayers: number("settings.max_players", f.MaxPlayers), Cfg: cfgLines(f.Cfg),
		},
	}
	if len(wrong) > 0 {
		return v, wrong
	}
	return v, nil
}

// cfgLines splits a text field into lines; browsers end them with CR LF.
func cfgLines(text string) []string {
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n ")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// describe names the texts that belong to an input.
func describe(id, problem string) string {
	if problem != "" {
		return id + "-problem " + id + "-hint"
	}
	return id + "-hint"
}
