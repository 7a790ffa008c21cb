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
	const look, act = accounts.Look, accounts.Act
	return []page.Route{
		page.Show(look, "/blueprints", "/blueprints", p.listView),
		page.Show(act, "/blueprints/new", "/blueprints", p.newView),
		page.Handle(act, "POST /blueprints/new", p.createBlueprint),
		page.Show(look, "/blueprints/{name}", "/blueprints", p.blueprintPage),
		page.Handle(act, "POST /blueprints/{name}", p.saveBlueprint),
		page.Show(act, "/blueprints/{name}/delete", "/blueprints", p.deleteBlueprintView),
		page.Handle(act, "POST /blueprints/{name}/delete", p.deleteBlueprint),
	}
}
