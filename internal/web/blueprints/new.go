package blueprints

import (
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

// mayCreate returns the permission to create blueprints.
func mayCreate(who accounts.Actor) page.Permission {
	return page.May(who, accounts.Manage, left4me.Target{Kind: left4me.BlueprintTarget})
}

// newView shows the form for a new blueprint.
func (p *Pages) newView(r *http.Request, who accounts.Actor) (page.View, error) {
	now := page.Deferred(func(ctx context.Context) (templ.Component, error) {
		return newBlueprintForm(p.fillBlueprint(ctx, who, mayCreate(who), blueprintForm{})), nil
	})
	return page.View{
		Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "blueprints.new"), "blueprints"),
		Body: []page.Piece{
			page.Fixed(newBlueprintHead()),
			p.Panel.Form(r, "new-blueprint", now, page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun())),
		},
	}, nil
}

// retypeNewBlueprint shows the form for a new blueprint with the submitted input.
func (p *Pages) retypeNewBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, form blueprintForm) error {
	v, err := p.newView(r, who)
	if err != nil {
		return err
	}
	v.Form("new-blueprint").Typed = newBlueprintForm(p.fillBlueprint(r.Context(), who, mayCreate(who), form))
	return p.Panel.Show(w, r, status, v)
}

func (p *Pages) createBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	form := blueprintForm{Form: settings.ReadForm(r.PostForm), Name: strings.TrimSpace(r.PostForm.Get("name"))}
	if button := r.PostForm.Get("stack"); button != "" {
		form.Restack(button)
		return p.retypeNewBlueprint(w, r, who, http.StatusOK, form)
	}
	v := left4me.Blueprint{Name: left4me.Name(form.Name)}
	var err error
	if v.Settings, v.Overlays, err = form.Definition(); err == nil {
		_, err = p.Overlays.Blueprints().Create(r.Context(), who.Cause(), v)
	} else {
		err = page.JoinMistakes(err, p.Overlays.Blueprints().Mistakes(r.Context(), v, true))
	}
	if err == nil {
		http.Redirect(w, r, "/blueprints/"+string(v.Name), http.StatusSeeOther)
		return nil
	}
	status, err := form.Wrong(r.Context(), who, err, form.Form)
	if err != nil {
		return err
	}
	return p.retypeNewBlueprint(w, r, who, status, form)
}
