package blueprints

import (
	"errors"
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// deleteBlueprintView asks for confirmation before a blueprint is deleted.
func (p *Pages) deleteBlueprintView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	return p.deleteBlueprintWith(r, who, name, "", "")
}

func (p *Pages) deleteBlueprintWith(r *http.Request, who accounts.Actor, name left4me.Name, typed, problem string) (page.View, error) {
	b, err := p.blueprintView(r, who, name)
	if err != nil {
		return page.View{}, err
	}
	lost := page.NewPart("lost", blueprintLost(b), onBlueprints()...)
	return page.View{
		Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "blueprints.delete.title", "blueprint", b.Name), "blueprints"),
		Body:  []page.Piece{page.Fixed(deleteBlueprint(b, lost, typed, problem), lost)},
	}, nil
}

// deleteBlueprint deletes the blueprint if its name was typed correctly.
func (p *Pages) deleteBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	b, err := p.blueprintView(r, who, name)
	if err != nil {
		return err
	}
	again := func(status int, typed, problem string) error {
		v, err := p.deleteBlueprintWith(r, who, name, typed, problem)
		if err != nil {
			return err
		}
		return p.Panel.Show(w, r, status, v)
	}
	if typed := r.PostForm.Get("confirm"); typed != string(b.Name) {
		return again(http.StatusUnprocessableEntity, typed, locale.T(r.Context(), "common.confirm.mismatch", "name", b.Name))
	}
	err = p.Overlays.Blueprints().Delete(r.Context(), who.Cause(), b.Name)
	if errors.Is(err, left4me.Conflict) {
		e, _ := page.Public(who, err)
		return again(http.StatusConflict, string(b.Name), format.Sentence(format.Visible(format.ErrorLine(r.Context(), e))))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/blueprints", http.StatusSeeOther)
	return nil
}
