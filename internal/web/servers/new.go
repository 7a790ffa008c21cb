package servers

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/settings"
)

// serverForm is the input of the form for a new server.
type serverForm struct {
	settings.ServerForm
	Name string
}

// mayCreate returns the permission to create servers.
func mayCreate(who accounts.Actor) page.Permission {
	return page.May(who, accounts.Manage, left4me.Target{Kind: left4me.ServerTarget})
}

// newView shows the form for a new server.
func (p *Pages) newView(r *http.Request, who accounts.Actor) (page.View, error) {
	form := serverForm{ServerForm: settings.ServerForm{Blueprint: cmp.Or(r.URL.Query().Get("blueprint"), string(left4me.DefaultBlueprint))}}
	now := page.Deferred(func(ctx context.Context) (templ.Component, error) {
		err := p.Choices.FillServer(ctx, who, mayCreate(who), &form.ServerForm)
		form.Warnings = p.Choices.TypedWarnings(ctx, form.Form, form.Base.Overlays)
		return newServerForm(form), err
	})
	return page.View{
		Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "servers.new"), "servers"),
		Body: []page.Piece{
			page.Fixed(newServerHead()),
			p.Panel.Form(r, "new-server", now, page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun())),
		},
	}, nil
}

// retypeServer shows the form for a new server with the submitted input.
func (p *Pages) retypeServer(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, form serverForm) error {
	v, err := p.newView(r, who)
	if err != nil {
		return err
	}
	if err := p.Choices.FillServer(r.Context(), who, mayCreate(who), &form.ServerForm); err != nil {
		return err
	}
	form.Warnings = p.Choices.TypedWarnings(r.Context(), form.Form, form.Base.Overlays)
	v.Form("new-server").Typed = newServerForm(form)
	return p.Panel.Show(w, r, status, v)
}

func (p *Pages) createServer(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	trimmed := func(field string) string { return strings.TrimSpace(r.PostForm.Get(field)) }
	form := serverForm{
		Name:       trimmed("name"),
		ServerForm: settings.ServerForm{Form: settings.ReadForm(r.PostForm), Port: trimmed("port"), Blueprint: trimmed("blueprint")},
	}
	if button := r.PostForm.Get("stack"); button != "" {
		form.Restack(button)
		return p.retypeServer(w, r, who, http.StatusOK, form)
	}
	server := left4me.Server{Name: left4me.Name(form.Name), Blueprint: left4me.Name(form.Blueprint)}
	var err, wrong error
	server.Port, wrong = settings.PortOf(form.Port)
	server.Settings, server.Overlays, err = form.Definition()
	if err = page.JoinMistakes(wrong, err); err == nil {
		_, err = p.Servers.Create(r.Context(), who.Cause(), server)
	} else {
		err = page.JoinMistakes(err, p.Servers.Mistakes(r.Context(), server, true))
	}
	if err == nil {
		to := "/servers/" + string(server.Name)
		if len(p.Servers.Warnings().Of(r.Context(), server.Name)) > 0 {
			to += "/settings" // which shows the warnings
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	}
	status, err := form.Wrong(r.Context(), who, err, form.Form)
	if err != nil {
		return err
	}
	return p.retypeServer(w, r, who, status, form)
}
