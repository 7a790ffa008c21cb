// Package blueprints implements the pages of blueprints.
package blueprints

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/settings"
)

// Pages contains what the pages of blueprints need.
type Pages struct {
	Panel    *page.Panel
	Choices  *settings.Choices
	Servers  *servers.Servers
	Bulk     *bulk.Bulk
	Overlays *overlays.Overlays
}

// Routes returns the routes of blueprints.
func (p *Pages) Routes() []page.Route {
	one := page.Blueprints()
	return []page.Route{
		page.SignedIn.Show("/blueprints", "/blueprints", p.listView),
		page.New(left4me.BlueprintTarget).Show("/blueprints/new", "/blueprints", p.newView),
		page.New(left4me.BlueprintTarget).Handle("POST /blueprints/new", p.createBlueprint),
		one.Show(accounts.See, "", "/blueprints", p.blueprintPage),
		one.Handle(accounts.Configure, "POST", "", p.saveBlueprint),
		one.Show(accounts.Manage, "/rename", "/blueprints", p.renameView),
		one.Handle(accounts.Manage, "POST", "/rename", p.renameBlueprint),
		one.Show(accounts.Manage, "/delete", "/blueprints", p.deleteBlueprintView),
		one.Handle(accounts.Manage, "POST", "/delete", p.deleteBlueprint),
	}
}
