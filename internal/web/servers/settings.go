package servers

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/settings"
)

// autostarts are the values of the autostart setting.
var autostarts = []left4me.Autostart{left4me.AutostartLast, left4me.AutostartAlways, left4me.AutostartNever}

// settingsView shows the settings of a server.
func (p *Pages) settingsView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	s, err := p.serverPage(r, who, name, "settings")
	if err != nil {
		return page.View{}, err
	}
	warnings := page.LazyPart("map-warnings", func(ctx context.Context) (templ.Component, error) {
		return settings.MapWarnings("map-warnings", p.Servers.Warnings().Of(ctx, s.Name)), nil
	}, page.OnRun(s.Name), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	lacks := page.LazyPart("stack-warnings", func(ctx context.Context) (templ.Component, error) {
		d, err := p.Servers.Get(ctx, s.Name)
		return p.Choices.StackWarnings(ctx, who, "stack-warnings", p.Servers.Warnings().Of(ctx, s.Name), d.Overlays), err
	}, page.OnRun(s.Name), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	now := page.Deferred(func(ctx context.Context) (templ.Component, error) {
		own := s.Settings
		if !s.May(accounts.Configure).Act {
			own = own.Public()
		}
		form := settings.ServerForm{
			Form:      settings.FormOf(own, s.Overlays, s.Version),
			Port:      strconv.Itoa(s.Port),
			Blueprint: string(s.Blueprint),
			Autostart: string(s.Autostart),
		}
		form.Prepend(who, r.URL.Query().Get("add"))
		form.Warnings, form.StackWarnings = warnings, lacks
		err := p.Choices.FillServer(ctx, who, s.May(accounts.Configure), &form)
		return serverSettings(s, form), err
	})
	diff := page.LazyPart("config-diff", func(ctx context.Context) (templ.Component, error) { return configDiff(p.diffOf(ctx, s)), nil },
		page.OnRun(s.Name), page.OnContent())
	return p.serverView(r, who, s,
		page.Columns(p.Panel.Form(r, "settings", now, page.OnRun(s.Name), page.OnContent()).Holds(warnings, lacks), diff)), nil
}

// retypeSettings shows the settings form with the submitted input.
func (p *Pages) retypeSettings(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, s serverPage,
	form settings.ServerForm,
) error {
	v, err := p.settingsView(r, who, s.Name)
	if err != nil {
		return err
	}
	if err := p.Choices.FillServer(r.Context(), who, s.May(accounts.Configure), &form); err != nil {
		return err
	}
	p.Choices.TypedWarnings(r.Context(), who, &form.Form, form.Base.Overlays)
	v.Form("settings").Typed = serverSettings(s, form)
	return p.Panel.Show(w, r, status, v)
}

// saveSettings updates a server. If another user has saved a newer version, the form shows that
// version's values and keeps the input.
func (p *Pages) saveSettings(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	s, err := p.serverPage(r, who, name, "settings")
	if err != nil {
		return err
	}
	form := settings.ServerForm{
		Form:      settings.ReadForm(r.PostForm),
		Port:      strings.TrimSpace(r.PostForm.Get("port")),
		Blueprint: r.PostForm.Get("blueprint"),
		Autostart: r.PostForm.Get("autostart"),
	}
	if button := r.PostForm.Get("stack"); button != "" {
		form.Restack(button)
		return p.retypeSettings(w, r, who, http.StatusOK, s, form)
	}
	v := left4me.Server{Name: s.Name, Blueprint: left4me.Name(form.Blueprint), Autostart: left4me.Autostart(form.Autostart)}
	v.Version, _ = strconv.Atoi(form.Version) // 0, which no version has, causes a conflict
	var wrong error
	if v.Port, wrong = settings.PortOf("port", form.Port); v.Port == 0 {
		v.Port = s.Port
	}
	v.Settings, v.Overlays, err = form.Definition()
	if err = page.JoinMistakes(wrong, err); err == nil {
		_, err = p.Servers.Update(r.Context(), who.Cause(), v)
	} else {
		err = page.JoinMistakes(err, p.Servers.Mistakes(r.Context(), v, false))
	}
	if err == nil {
		http.Redirect(w, r, "/servers/"+string(s.Name)+"/settings", http.StatusSeeOther)
		return nil
	}
	status, err := form.Wrong(r.Context(), who, err, settings.FormOf(s.Settings, s.Overlays, s.Version))
	if err != nil {
		return err
	}
	return p.retypeSettings(w, r, who, status, s, form)
}
