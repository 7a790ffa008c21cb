// Package create implements the pages that create servers: one with its content, a copy, several
// from a blueprint, and the checklist of an empty installation.
package create

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/control/newoverlay"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/settings"
)

// Pages contains the dependencies of the pages.
type Pages struct {
	Panel    *page.Panel
	Choices  *settings.Choices
	Servers  *servers.Servers
	Overlays *overlays.Overlays
	Content  *newoverlay.Maker
	Game     *game.Game
	Hosts    *hosts.Hosts
}

// Routes returns the routes of the pages.
func (p *Pages) Routes() []page.Route {
	server, overlay, blueprint := page.New(left4me.ServerTarget), page.New(left4me.OverlayTarget), page.Blueprints()
	return []page.Route{
		server.Show("/servers/new", "/servers", p.newView),
		server.Handle("POST /servers/new", p.createServer),
		overlay.Handle("POST /servers/new/uploads", p.beginUpload),
		overlay.Handle("POST /servers/new/content", p.addContent),
		overlay.FormAddress("/servers/new/content"),
		blueprint.Show(accounts.Manage, "/servers", "/blueprints", p.severalView),
		blueprint.Handle(accounts.Manage, "POST", "/servers", p.createSeveral),
	}
}

var (
	anyServer  = left4me.Target{Kind: left4me.ServerTarget}
	anyOverlay = left4me.Target{Kind: left4me.OverlayTarget}
)
