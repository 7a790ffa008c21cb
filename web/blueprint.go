package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/accounts"
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
	all, err := p.Content.Blueprints(r.Context())
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
	_, err = p.Content.Blueprint(r.Context(), name) // it knows how to say that there is none
	return blueprintView{}, err
}

func (p *panel) listBlueprints(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	all, err := p.blueprintViews(r)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, blueprintsPage(p.frame(r, who, "Blueprints", "overlays"), all))
}

func (p *panel) newBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	return p.renderNewBlueprint(w, r, who, http.StatusOK, blueprintForm{})
}

func (p *panel) renderNewBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, form blueprintForm) error {
	form.May = mayOf(who)
	p.offers(r, &form.definitionForm, nil)
	return p.render(w, r, status, newBlueprintPage(p.frame(r, who, "New blueprint", "overlays"), form))
}

func (p *panel) createBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	form := blueprintForm{definitionForm: readDefinition(r.PostForm), Name: strings.TrimSpace(r.PostForm.Get("name"))}
	if button := r.PostForm.Get("stack"); button != "" {
		form.restack(button)
		return p.renderNewBlueprint(w, r, who, http.StatusOK, form)
	}
	v := left4me.Blueprint{Name: left4me.Name(form.Name)}
	var err error
	if v.Settings, v.Overlays, err = form.definition(); err == nil {
		_, err = p.Content.CreateBlueprint(r.Context(), v)
	}
	if err == nil {
		http.Redirect(w, r, "/blueprints/"+string(v.Name), http.StatusSeeOther)
		return nil
	}
	status, err := form.wrong(err, form.definitionForm)
	if err != nil {
		return err
	}
	return p.renderNewBlueprint(w, r, who, status, form)
}

func (p *panel) showBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	b, err := p.blueprintView(r)
	if err != nil {
		return err
	}
	s := b.Settings
	if !mayOf(who).Act {
		s = s.Public()
	}
	return p.renderBlueprint(w, r, who, http.StatusOK, b, blueprintForm{definitionForm: definitionOf(s, b.Overlays, b.Version)})
}

func (p *panel) renderBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, b blueprintView, form blueprintForm) error {
	form.May = mayOf(who)
	p.offers(r, &form.definitionForm, nil)
	return p.render(w, r, status, blueprintPage(p.frame(r, who, string(b.Name), "overlays"), b, form))
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
		return p.renderBlueprint(w, r, who, http.StatusOK, b, form)
	}
	v := left4me.Blueprint{Name: b.Name}
	v.Version, _ = strconv.Atoi(form.Version) // what has none is nobody's
	if v.Settings, v.Overlays, err = form.definition(); err == nil {
		_, err = p.Content.UpdateBlueprint(r.Context(), who.Name, v)
	}
	if err == nil {
		http.Redirect(w, r, "/blueprints/"+string(b.Name), http.StatusSeeOther)
		return nil
	}
	status, err := form.wrong(err, definitionOf(b.Settings, b.Overlays, b.Version))
	if err != nil {
		return err
	}
	return p.renderBlueprint(w, r, who, status, b, form)
}

func (p *panel) confirmDeleteBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	b, err := p.blueprintView(r)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, deleteBlueprintPage(p.frame(r, who, "Delete "+string(b.Name), "overlays"), b, "", ""))
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
	f := p.frame(r, who, "Delete "+string(b.Name), "overlays")
	if typed := r.PostForm.Get("confirm"); typed != string(b.Name) {
		return p.render(w, r, http.StatusUnprocessableEntity, deleteBlueprintPage(f, b, typed, "That is not the name. Type "+string(b.Name)+" to go on."))
	}
	err = p.Content.DeleteBlueprint(r.Context(), who.Name, b.Name)
	if errors.Is(err, left4me.Conflict) {
		e, _ := left4me.Public(err)
		return p.render(w, r, http.StatusConflict, deleteBlueprintPage(f, b, string(b.Name), sentence(visible(e.Error()))))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/blueprints", http.StatusSeeOther)
	return nil
}
