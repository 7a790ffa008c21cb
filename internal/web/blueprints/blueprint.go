package blueprints

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/servers/bulk"
	"github.com/left4me/left4me/internal/web/settings"
)

// blueprintView is a blueprint with the servers that use it.
type blueprintView struct {
	left4me.Blueprint
	Servers []left4me.Name
}

// blueprintForm is the input of a blueprint form.
type blueprintForm struct {
	settings.Form
	Name    string
	Restart templ.Component // the button that also restarts the servers; nil for a new blueprint
}

// blueprintView returns the blueprint that the URL names.
func (p *Pages) blueprintView(r *http.Request, who accounts.Actor, name left4me.Name) (blueprintView, error) {
	all, err := p.blueprintViews(r, who)
	if err != nil {
		return blueprintView{}, err
	}
	for _, b := range all {
		if b.Name == name {
			return b, nil
		}
	}
	_, err = p.Overlays.Blueprints().Get(r.Context(), name) // returns the error for an unknown blueprint
	return blueprintView{}, err
}

// fillBlueprint adds the options and warnings of a blueprint form.
func (p *Pages) fillBlueprint(
	ctx context.Context, who accounts.Actor, may page.Permission, form blueprintForm,
) blueprintForm {
	form.May = may
	p.Choices.Fill(ctx, who, &form.Form, nil)
	p.Choices.TypedWarnings(ctx, who, &form.Form, nil)
	return form
}

// blueprintPage shows a blueprint.
func (p *Pages) blueprintPage(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	b, err := p.blueprintView(r, who, name)
	if err != nil {
		return page.View{}, err
	}
	f := p.Panel.Frame(r, who, string(b.Name), "blueprints")
	may := page.RightsOn(who, b.Target())
	warnings := page.LazyPart("map-warnings", func(ctx context.Context) (templ.Component, error) {
		return settings.MapWarnings("map-warnings", p.Servers.Warnings().OfStack(ctx, b.Settings, b.Overlays)), nil
	}, page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	lacks := page.LazyPart("stack-warnings", func(ctx context.Context) (templ.Component, error) {
		all := p.Servers.Warnings().OfStack(ctx, b.Settings, b.Overlays)
		return p.Choices.StackWarnings(ctx, who, "stack-warnings", all, b.Overlays), nil
	}, page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	restart := p.restartButton(who, name)
	now := page.Deferred(func(ctx context.Context) (templ.Component, error) {
		s := b.Settings
		if !may(accounts.Configure).Act {
			s = s.Public()
		}
		form := blueprintForm{Form: settings.FormOf(s, b.Overlays, b.Version)}
		form.Prepend(who, r.URL.Query().Get("add"))
		form = p.fillBlueprint(ctx, who, may(accounts.Configure), form)
		form.Warnings, form.StackWarnings, form.Restart = warnings, lacks, restart
		return blueprintFields(b, form), nil
	})
	return page.View{Frame: f, Body: []page.Piece{page.Fixed(blueprintHead(b)), page.Columns(
		p.Panel.Form(r, "settings", now, page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun())).Holds(warnings, lacks, restart),
		page.Pieces(page.NewPart("blueprint-use", blueprintUse(b, f.May(accounts.Manage, left4me.Target{Kind: left4me.ServerTarget}),
			b.operate(who)),
			onBlueprints()...),
			page.Fixed(blueprintDanger(b, may(accounts.Manage)))),
	)}}, nil
}

// operate reports whether who may operate one of the servers that use the blueprint.
func (b blueprintView) operate(who accounts.Actor) bool {
	return slices.ContainsFunc(b.Servers, func(n left4me.Name) bool { return page.May(who, accounts.Operate, left4me.OnServer(n)).Act })
}

// restartButton returns the button that saves a blueprint and restarts its running servers.
func (p *Pages) restartButton(who accounts.Actor, name left4me.Name) *page.Part {
	return page.LazyPart("save-restart", func(ctx context.Context) (templ.Component, error) {
		all, err := p.Servers.List(ctx)
		if err != nil {
			return nil, err
		}
		running := 0
		for _, v := range all {
			if v.Blueprint == name && v.Status.State.Up() && page.May(who, accounts.Operate, v.Target()).Act {
				running++
			}
		}
		return saveRestart(running), nil
	}, page.OnServers())
}

// retypeBlueprint shows a blueprint with the submitted form input.
func (p *Pages) retypeBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, b blueprintView,
	form blueprintForm,
) error {
	v, err := p.blueprintPage(r, who, b.Name)
	if err != nil {
		return err
	}
	form = p.fillBlueprint(r.Context(), who, page.May(who, accounts.Configure, b.Target()), form)
	form.Restart = p.restartButton(who, b.Name)
	v.Form("settings").Typed = blueprintFields(b, form)
	return p.Panel.Show(w, r, status, v)
}

// saveBlueprint updates a blueprint. If another user has saved a newer version, the form shows
// that version's values and keeps the input.
func (p *Pages) saveBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	b, err := p.blueprintView(r, who, name)
	if err != nil {
		return err
	}
	form := blueprintForm{Form: settings.ReadForm(r.PostForm)}
	if button := r.PostForm.Get("stack"); button != "" {
		form.Restack(button)
		return p.retypeBlueprint(w, r, who, http.StatusOK, b, form)
	}
	v := left4me.Blueprint{Name: b.Name}
	v.Version, _ = strconv.Atoi(form.Version) // 0, which no version has, causes a conflict
	if v.Settings, v.Overlays, err = form.Definition(); err == nil {
		_, err = p.Overlays.Blueprints().Update(r.Context(), who.Cause(), v)
	} else {
		err = page.JoinMistakes(err, p.Overlays.Blueprints().Mistakes(r.Context(), v, false))
	}
	if err == nil && r.PostForm.Get("then") == "restart" {
		return bulk.Restart(w, r, who, p.Bulk, b.Name, "/blueprints/"+string(b.Name))
	}
	if err == nil {
		http.Redirect(w, r, "/blueprints/"+string(b.Name), http.StatusSeeOther)
		return nil
	}
	status, err := form.Wrong(r.Context(), who, err, settings.FormOf(b.Settings, b.Overlays, b.Version))
	if err != nil {
		return err
	}
	return p.retypeBlueprint(w, r, who, status, b, form)
}
