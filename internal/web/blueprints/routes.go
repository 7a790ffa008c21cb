// Package blueprints is the pages of blueprints.
package blueprints

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/web/definition"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of blueprints.
type Pages struct {
	Panel   *page.Panel
	Choices *definition.Choices
	Servers *servers.Servers
	Content *overlays.Overlays
}

// Routes is the part of the table of routes that is about blueprints.
func (p *Pages) Routes() []page.Route {
	const read, change = accounts.Look, accounts.Act
	return []page.Route{
		page.Show(read, "/blueprints", "/blueprints", p.listView),
		page.Show(change, "/blueprints/new", "/blueprints", p.newView),
		page.Handle(change, "POST /blueprints/new", p.createBlueprint),
		page.Show(read, "/blueprints/{name}", "/blueprints", p.blueprintPage),
		page.Handle(change, "POST /blueprints/{name}", p.saveBlueprint),
		page.Show(change, "/blueprints/{name}/delete", "/blueprints", p.deleteBlueprintView),
		page.Handle(change, "POST /blueprints/{name}/delete", p.deleteBlueprint),
	}
}
