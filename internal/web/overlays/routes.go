// Package overlays contains the pages of overlays: the list, the form for a new overlay, the
// settings and the script. The packages in its directory contain the pages of an overlay's
// files, items, revisions and uploads.
package overlays

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of overlays.
type Pages struct {
	Panel    *page.Panel
	Overlay  *overlay.Core
	Overlays *overlays.Overlays
	Servers  *servers.Servers
	Jobs     *jobs.Jobs
}

// Routes returns the routes of these pages.
func (p *Pages) Routes() []page.Route {
	one := page.Overlays()
	return []page.Route{
		page.SignedIn.Show("/overlays", "/overlays", p.listView),
		page.Site(accounts.SiteRight).Handle("POST /overlays/collect", p.collectContent),
		page.New(left4me.OverlayTarget).Show("/overlays/new", "/overlays", p.newView),
		page.New(left4me.OverlayTarget).Handle("POST /overlays/new", p.create),
		one.Handle(accounts.Content, "POST", "/build", p.build),
		one.Handle(accounts.Content, "POST", "/repair", p.repairTexts),
		one.Handle(accounts.Content, "POST", "/rollout/cancel", p.cancelMoves),
		one.Handle(accounts.Manage, "POST", "/restore", p.restore),
		one.Show(accounts.See, "/settings", "/overlays", p.settingsView),
		one.Handle(accounts.Configure, "POST", "/settings", p.saveSettings),
		one.Show(accounts.Manage, "/rename", "/overlays", p.renameView),
		one.Handle(accounts.Manage, "POST", "/rename", p.renameOverlay),
		one.Show(accounts.Manage, "/delete", "/overlays", p.deleteOverlayView),
		one.Handle(accounts.Manage, "POST", "/delete", p.deleteOverlay),
		one.Show(accounts.See, "/script", "/overlays", p.scriptView),
		one.Handle(accounts.Configure, "POST", "/script", p.saveScript),
	}
}
