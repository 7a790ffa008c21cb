package web

import (
	"net/http"
	"strings"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/accounts"
)

// serverForm is the form of a new server as it was typed.
type serverForm struct {
	settingsForm
	Name string
}

func (p *panel) newServer(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	form := serverForm{settingsForm: settingsForm{Blueprint: string(left4me.DefaultBlueprint)}}
	if b := r.URL.Query().Get("blueprint"); b != "" {
		form.Blueprint = b
	}
	return p.renderNewServer(w, r, who, http.StatusOK, form)
}

func (p *panel) renderNewServer(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, form serverForm) error {
	all, err := p.Content.Blueprints(r.Context())
	if err != nil {
		return err
	}
	form.Blueprints, form.May = all, mayOf(who)
	var beneath []left4me.OverlayRef
	for _, b := range all {
		if string(b.Name) == form.Blueprint {
			beneath = b.Overlays
		}
	}
	p.offers(r, &form.definitionForm, beneath)
	return p.render(w, r, status, newServerPage(p.frame(r, who, "New server", "servers"), form))
}

func (p *panel) createServer(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	trimmed := func(field string) string { return strings.TrimSpace(r.PostForm.Get(field)) }
	form := serverForm{
		Name:         trimmed("name"),
		settingsForm: settingsForm{definitionForm: readDefinition(r.PostForm), Port: trimmed("port"), Blueprint: trimmed("blueprint")},
	}
	if button := r.PostForm.Get("stack"); button != "" {
		form.restack(button)
		return p.renderNewServer(w, r, who, http.StatusOK, form)
	}
	server := left4me.Server{Name: left4me.Name(form.Name), Blueprint: left4me.Name(form.Blueprint)}
	var err, wrong error
	server.Port, wrong = portOf(form.Port)
	server.Settings, server.Overlays, err = form.definition()
	if err = both(wrong, err); err == nil {
		_, err = p.Servers.Create(r.Context(), server)
	}
	if err == nil {
		to := "/servers/" + string(server.Name)
		if len(p.Servers.Warnings(r.Context(), server.Name)) > 0 {
			to += "/settings" // where they stand
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	}
	status, err := form.wrong(err, form.definitionForm)
	if err != nil {
		return err
	}
	return p.renderNewServer(w, r, who, status, form)
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
