// Package overlays is the pages of overlays: the list, the form of a new one, its
// settings and its script. The pages of an overlay's files, items, revisions and
// uploads are packages of their own beneath this one.
package overlays

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of overlays.
type Pages struct {
	Panel   *page.Panel
	Overlay *overlay.Core
	Content *overlays.Overlays
	Jobs    *jobs.Jobs
}

// Routes is the part of the table of routes that is about overlays.
func (p *Pages) Routes() []page.Route {
	const look, act = accounts.Look, accounts.Act
	return []page.Route{
		page.Show(look, "/overlays", "/overlays", p.listView),
		page.Handle(act, "POST /overlays/collect", p.collectContent),
		page.Show(act, "/overlays/new", "/overlays", p.newView),
		page.Handle(act, "POST /overlays/new", p.create),
		page.Handle(act, "POST /overlays/{name}/build", p.build),
		page.Handle(act, "POST /overlays/{name}/repair", p.repairTexts),
		page.Handle(act, "POST /overlays/{name}/moves/cancel", p.cancelMoves),
		page.Handle(act, "POST /overlays/{name}/restore", p.restore),
		page.Show(look, "/overlays/{name}/settings", "/overlays", p.settingsView),
		page.Handle(act, "POST /overlays/{name}/settings", p.saveSettings),
		page.Show(act, "/overlays/{name}/delete", "/overlays", p.deleteOverlayView),
		page.Handle(act, "POST /overlays/{name}/delete", p.deleteOverlay),
		page.Show(look, "/overlays/{name}/script", "/overlays", p.scriptView),
		page.Handle(act, "POST /overlays/{name}/script", p.saveScript),
	}
}
