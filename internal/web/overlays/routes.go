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
	const read, change = accounts.Look, accounts.Act
	return []page.Route{
		page.Show(read, "/overlays", "/overlays", p.listView),
		page.Handle(change, "POST /overlays/collect", p.collectContent),
		page.Show(change, "/overlays/new", "/overlays", p.newView),
		page.Handle(change, "POST /overlays/new", p.create),
		page.Handle(change, "POST /overlays/{name}/build", p.build),
		page.Handle(change, "POST /overlays/{name}/repair", p.repairTexts),
		page.Handle(change, "POST /overlays/{name}/moves/cancel", p.cancelMoves),
		page.Handle(change, "POST /overlays/{name}/restore", p.restore),
		page.Show(read, "/overlays/{name}/settings", "/overlays", p.settingsView),
		page.Handle(change, "POST /overlays/{name}/settings", p.saveSettings),
		page.Show(change, "/overlays/{name}/delete", "/overlays", p.deleteOverlayView),
		page.Handle(change, "POST /overlays/{name}/delete", p.deleteOverlay),
		page.Show(read, "/overlays/{name}/script", "/overlays", p.scriptView),
		page.Handle(change, "POST /overlays/{name}/script", p.saveScript),
	}
}
