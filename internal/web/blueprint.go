package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// blueprintView is a blueprint with the servers that are made from it.
type blueprintView struct {
	left4me.Blueprint
	Servers []left4me.Name
}

// blueprintForm is the form of a blueprint as it was typed.
type blueprintForm struct {
	definitionForm
	Name string
}

// blueprintViews are all blueprints, by name.
func (p *panel) blueprintViews(r *http.Request) ([]blueprintView, error) {
	all, err := p.Content.Blueprints().List(r.Context())
	if err != nil {
		return nil, err
	}
	servers, err := p.Servers.List(r.Context())
	if err != nil {
		return nil, err
	}
	views := make([]blueprintView, len(all))
	for i, b := range all {
		views[i].Blueprint = b
		for _, s := range servers {
			if s.Blueprint == b.Name {
				views[i].Servers = append(views[i].Servers, s.Name)
			}
		}
	}
	return views, nil
}

// blueprintView is the one that the address names.
func (p *panel) blueprintView(r *http.Request) (blueprintView, error) {
	name, err := pathName(r)
	if err != nil {
		return blueprintView{}, err
	}
	all, err := p.blueprintViews(r)
	if err != nil {
		return blueprintView{}, err
	}
	for _, b := range all {
		if b.Name == name {
			return b, nil
		}
	}
	_, err = p.Content.Blueprints().Get(r.Context(), name) // it knows how to say that there is none
	return blueprintView{}, err
}

// blueprintsView is the list of blueprints.
func (p *panel) blueprintsView(r *http.Request, who accounts.Actor) (view, error) {
	all, err := p.blueprintViews(r)
	if err != nil {
		return view{}, err
	}
	f := p.frame(r, who, "Blueprints", "overlays")
	return view{frame: f, body: []piece{fixed(blueprintsHead(f.May)), showing("blueprints", blueprintTable(all), onBlueprints()...)}}, nil
}

// onBlueprints is the blueprints, and which servers are made from them.
func onBlueprints() []topic { return []topic{onContent(), onDefinitions()} }

// newBlueprintView is the form of a new blueprint.
func (p *panel) newBlueprintView(r *http.Request, who accounts.Actor) (view, error) {
	now := deferred(func(ctx context.Context) (templ.Component, error) {
		return newBlueprintForm(p.fillBlueprint(ctx, who, blueprintForm{})), nil
	})
	return view{
		frame: p.frame(r, who, "New blueprint", "overlays"),
		body:  []piece{fixed(newBlueprintHead()), p.form(r, "new-blueprint", now, onContent(), onEnds(left4me.BuildOverlay.Noun()))},
	}, nil
}

// fillBlueprint fills in what there is to choose from in the form of a blueprint.
func (p *panel) fillBlueprint(ctx context.Context, who accounts.Actor, form blueprintForm) blueprintForm {
	form.May = mayOf(who)
	p.offers(ctx, &form.definitionForm, nil)
	form.warnings = p.typedWarnings(ctx, form.definitionForm, nil)
	return form
}

// retypeNewBlueprint shows the form of a new blueprint as it was typed.
func (p *panel) retypeNewBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, form blueprintForm) error {
	v, err := p.newBlueprintView(r, who)
	if err != nil {
		return err
	}
	v.form("new-blueprint").typed = newBlueprintForm(p.fillBlueprint(r.Context(), who, form))
	return p.show(w, r, status, v)
}

func (p *panel) createBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	form := blueprintForm{definitionForm: readDefinition(r.PostForm), Name: strings.TrimSpace(r.PostForm.Get("name"))}
	if button := r.PostForm.Get("stack"); button != "" {
		form.restack(button)
		return p.retypeNewBlueprint(w, r, who, http.StatusOK, form)
	}
	v := left4me.Blueprint{Name: left4me.Name(form.Name)}
	var err error
	if v.Settings, v.Overlays, err = form.definition(); err == nil {
		_, err = p.Content.Blueprints().Create(r.Context(), v)
	} else {
		err = both(err, p.Content.Blueprints().Mistakes(r.Context(), v, true))
	}
	if err == nil {
		http.Redirect(w, r, "/blueprints/"+string(v.Name), http.StatusSeeOther)
		return nil
	}
	status, err := form.wrong(err, form.definitionForm)
	if err != nil {
		return err
	}
	return p.retypeNewBlueprint(w, r, who, status, form)
}

// blueprintPage is the page of a blueprint.
func (p *panel) blueprintPage(r *http.Request, who accounts.Actor) (view, error) {
	b, err := p.blueprintView(r)
	if err != nil {
		return view{}, err
	}
	f := p.frame(r, who, string(b.Name), "overlays")
	warnings := lazy("map-warnings", func(ctx context.Context) (templ.Component, error) {
		return mapWarnings("map-warnings", p.Servers.Warnings().OfStack(ctx, b.Settings, b.Overlays)), nil
	}, onContent(), onEnds(left4me.BuildOverlay.Noun()))
	now := deferred(func(ctx context.Context) (templ.Component, error) {
		s := b.Settings
		if !f.May.Act {
			s = s.Public()
		}
		form := p.fillBlueprint(ctx, who, blueprintForm{definitionForm: definitionOf(s, b.Overlays, b.Version)})
		form.warnings = warnings
		return blueprintFields(b, form), nil
	})
	return view{frame: f, body: []piece{fixed(blueprintHead(b)), columns(
		p.form(r, "settings", now, onContent(), onEnds(left4me.BuildOverlay.Noun())).holds(warnings),
		pieces(showing("blueprint-use", blueprintUse(b, f.May), onBlueprints()...), fixed(blueprintDanger(b, f.May))),
	)}}, nil
}

// retypeBlueprint shows a blueprint with the form as it was typed.
func (p *panel) retypeBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, b blueprintView,
	form blueprintForm,
) error {
	v, err := p.blueprintPage(r, who)
	if err != nil {
		return err
	}
	v.form("settings").typed = blueprintFields(b, p.fillBlueprint(r.Context(), who, form))
	return p.show(w, r, status, v)
}

// saveBlueprint changes a blueprint. When somebody else was faster, the form shows
// what they did and keeps what was typed.
func (p *panel) saveBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	b, err := p.blueprintView(r)
	if err != nil {
		return err
	}
	form := blueprintForm{definitionForm: readDefinition(r.PostForm)}
	if button := r.PostForm.Get("stack"); button != "" {
		form.restack(button)
		return p.retypeBlueprint(w, r, who, http.StatusOK, b, form)
	}
	v := left4me.Blueprint{Name: b.Name}
	v.Version, _ = strconv.Atoi(form.Version) // what has none is nobody's
	if v.Settings, v.Overlays, err = form.definition(); err == nil {
		_, err = p.Content.Blueprints().Update(r.Context(), who.Name, v)
	} else {
		err = both(err, p.Content.Blueprints().Mistakes(r.Context(), v, false))
	}
	if err == nil {
		http.Redirect(w, r, "/blueprints/"+string(b.Name), http.StatusSeeOther)
		return nil
	}
	status, err := form.wrong(err, definitionOf(b.Settings, b.Overlays, b.Version))
	if err != nil {
		return err
	}
	return p.retypeBlueprint(w, r, who, status, b, form)
}

// deleteBlueprintView asks before a blueprint is deleted.
func (p *panel) deleteBlueprintView(r *http.Request, who accounts.Actor) (view, error) {
	return p.deleteBlueprintWith(r, who, "", "")
}

func (p *panel) deleteBlueprintWith(r *http.Request, who accounts.Actor, typed, problem string) (view, error) {
	b, err := p.blueprintView(r)
	if err != nil {
		return view{}, err
	}
	lost := showing("lost", blueprintLost(b), onBlueprints()...)
	return view{
		frame: p.frame(r, who, "Delete "+string(b.Name), "overlays"),
		body:  []piece{fixed(deleteBlueprint(b, lost, typed, problem), lost)},
	}, nil
}

// deleteBlueprint does it when the name was typed as it is.
func (p *panel) deleteBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	b, err := p.blueprintView(r)
	if err != nil {
		return err
	}
	again := func(status int, typed, problem string) error {
		v, err := p.deleteBlueprintWith(r, who, typed, problem)
		if err != nil {
			return err
		}
		return p.show(w, r, status, v)
	}
	if typed := r.PostForm.Get("confirm"); typed != string(b.Name) {
		return again(http.StatusUnprocessableEntity, typed, "That is not the name. Type "+string(b.Name)+" to go on.")
	}
	err = p.Content.Blueprints().Delete(r.Context(), who.Name, b.Name)
	if errors.Is(err, left4me.Conflict) {
		e, _ := left4me.Public(err)
		return again(http.StatusConflict, string(b.Name), sentence(visible(e.Error())))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/blueprints", http.StatusSeeOther)
	return nil
}
