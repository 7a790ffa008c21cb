package overlays

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/rename"
)

// renaming returns the page that renames an overlay.
func renaming(name left4me.Name) rename.Page {
	return rename.Page{
		Noun: "overlay", Name: name, Path: "/overlays", Tab: "overlays",
		Topics: overlay.Topics(name),
	}
}

// renameView returns the page that asks for an overlay's new name.
func (p *Pages) renameView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	_, err := p.Overlay.Page(r, who, name, "")
	return renaming(name).View(p.Panel, r, who), err
}

// renameOverlay renames an overlay and redirects to its new address.
func (p *Pages) renameOverlay(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	return renaming(name).Post(p.Panel, w, r, who, func(to left4me.Name) error {
		_, err := p.Overlays.Rename(r.Context(), who.Cause(), name, to, 0)
		return err
	})
}
