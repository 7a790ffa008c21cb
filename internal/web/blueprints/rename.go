package blueprints

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/rename"
)

func renaming(name left4me.Name) rename.Page {
	return rename.Page{
		Noun: "blueprint", Name: name, Path: "/blueprints", Tab: "blueprints",
		Topics: []page.Topic{page.OnDefinitions()},
	}
}

// renameView shows the form for renaming a blueprint.
func (p *Pages) renameView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	_, err := p.blueprintView(r, who, name)
	return renaming(name).View(p.Panel, r, who), err
}

// renameBlueprint renames a blueprint and redirects to its new URL.
func (p *Pages) renameBlueprint(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	return renaming(name).Post(p.Panel, w, r, who, func(to left4me.Name) error {
		_, err := p.Overlays.Blueprints().Rename(r.Context(), who.Cause(), name, to, 0)
		return err
	})
}
