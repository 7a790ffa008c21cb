package web

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// serverForm is the form of a new server as it was typed.
type serverForm struct {
	settingsForm
	Name string
}

// newServerView is the form of a new server.
func (p *panel) newServerView(r *http.Request, who accounts.Actor) (view, error) {
	form := serverForm{settingsForm: settingsForm{Blueprint: cmp.Or(r.URL.Query().Get("blueprint"), string(left4me.DefaultBlueprint))}}
	now := deferred(func(ctx context.Context) (templ.Component, error) {
		err := p.fillSettings(ctx, mayOf(who), &form.settingsForm)
		form.warnings = p.typedWarnings(ctx, form.definitionForm, form.Base.Overlays)
		return newServerForm(form), err
	})
	return view{
		frame: p.frame(r, who, "New server", "servers"),
		body:  []piece{fixed(newServerHead()), p.form(r, "new-server", now, onContent(), onEnds(left4me.BuildOverlay.Noun()))},
	}, nil
}

// retypeServer shows the form of a new server as it was typed.
func (p *panel) retypeServer(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, form serverForm) error {
	v, err := p.newServerView(r, who)
	if err != nil {
		return err
	}
	if err := p.fillSettings(r.Context(), mayOf(who), &form.settingsForm); err != nil {
		return err
	}
	form.warnings = p.typedWarnings(r.Context(), form.definitionForm, form.Base.Overlays)
	v.form("new-server").typed = newServerForm(form)
	return p.show(w, r, status, v)
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
		return p.retypeServer(w, r, who, http.StatusOK, form)
	}
	server := left4me.Server{Name: left4me.Name(form.Name), Blueprint: left4me.Name(form.Blueprint)}
	var err, wrong error
	server.Port, wrong = portOf(form.Port)
	server.Settings, server.Overlays, err = form.definition()
	if err = both(wrong, err); err == nil {
		_, err = p.Servers.Create(r.Context(), server)
	} else {
		err = both(err, p.Servers.Mistakes(r.Context(), server, true))
	}
	if err == nil {
		to := "/servers/" + string(server.Name)
		if len(p.Servers.Warnings().Of(r.Context(), server.Name)) > 0 {
			to += "/settings" // where they stand
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	}
	status, err := form.wrong(err, form.definitionForm)
	if err != nil {
		return err
	}
	return p.retypeServer(w, r, who, status, form)
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
