// Package workshop contains the pages of a workshop overlay's items.
package workshop

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of workshop items.
type Pages struct {
	Panel    *page.Panel
	Overlay  *overlay.Core
	Overlays *overlays.Overlays
}

// Routes returns the routes of these pages.
func (p *Pages) Routes() []page.Route {
	one := page.Overlays()
	return []page.Route{
		one.Show(accounts.See, "/items", "/overlays", p.itemsView),
		one.Handle(accounts.Configure, "POST", "/items", p.changeItem),
		one.Handle(accounts.Configure, "POST", "/items/look", p.pasteItems),
		one.Show(accounts.Configure, "/items/look", "/overlays", p.checkItemsView),
		one.Handle(accounts.Configure, "POST", "/items/add", p.addItems),
	}
}
