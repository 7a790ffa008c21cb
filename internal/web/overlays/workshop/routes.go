// Package workshop is the pages of the items of a workshop overlay.
package workshop

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of workshop items.
type Pages struct {
	Panel   *page.Panel
	Overlay *overlay.Core
	Content *overlays.Overlays
}

// Routes is the part of the table of routes that is about workshop items.
func (p *Pages) Routes() []page.Route {
	const read, change = accounts.Look, accounts.Act
	return []page.Route{
		page.Show(read, "/overlays/{name}/items", "/overlays", p.itemsView),
		page.Handle(change, "POST /overlays/{name}/items", p.changeItem),
		page.Handle(change, "POST /overlays/{name}/items/look", p.pasteItems),
		page.Show(change, "/overlays/{name}/items/look", "/overlays", p.checkItemsView),
		page.Handle(change, "POST /overlays/{name}/items/add", p.addItems),
	}
}
