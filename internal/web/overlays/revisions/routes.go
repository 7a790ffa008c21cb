// Package revisions is the pages of the revisions of an overlay: the list, what
// differs between two of them, and the problems and campaigns of one.
package revisions

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of revisions.
type Pages struct {
	Panel   *page.Panel
	Overlay *overlay.Core
	Content *overlays.Overlays
}

// Routes is the part of the table of routes that is about revisions.
func (p *Pages) Routes() []page.Route {
	const read, change = accounts.Look, accounts.Act
	return []page.Route{
		page.Show(read, "/overlays/{name}/revisions", "/overlays", p.revisionsView),
		page.Handle(change, "POST /overlays/{name}/revisions/{revision}/use", p.useRevision),
		page.Handle(change, "POST /overlays/{name}/revisions/{revision}/label", p.labelRevision),
		page.Show(change, "/overlays/{name}/revisions/{revision}/drop", "/overlays", p.dropView),
		page.Handle(change, "POST /overlays/{name}/revisions/{revision}/drop", p.dropRevision),
		page.Show(read, "/overlays/{name}/diff", "/overlays", p.diffView),
		page.Show(read, "/overlays/{name}/problems", "/overlays", p.detailView("problems", "overlay-problems", problemList)),
		page.Show(read, "/overlays/{name}/campaigns", "/overlays", p.detailView("campaigns", "overlay-campaigns", campaignList)),
	}
}
