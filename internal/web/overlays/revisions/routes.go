// Package revisions contains the pages of an overlay's revisions: the list, the comparison of
// two revisions, and the problems and campaigns of one.
package revisions

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of an overlay's revisions.
type Pages struct {
	Panel    *page.Panel
	Overlay  *overlay.Core
	Overlays *overlays.Overlays
}

// Routes returns the routes of these pages.
func (p *Pages) Routes() []page.Route {
	one, revision := page.Overlays(), page.Revisions()
	return []page.Route{
		one.Show(accounts.See, "/revisions", "/overlays", p.revisionsView),
		revision.Handle(accounts.Content, "POST", "/use", p.useRevision),
		revision.Handle(accounts.Content, "POST", "/label", p.labelRevision),
		revision.Show(accounts.Content, "/drop", "/overlays", p.dropView),
		revision.Handle(accounts.Content, "POST", "/drop", p.dropRevision),
		one.Show(accounts.See, "/diff", "/overlays", p.diffView),
		one.Show(accounts.See, "/problems", "/overlays", p.detailView("problems", "overlay-problems", problemList)),
		one.Show(accounts.See, "/campaigns", "/overlays", p.detailView("campaigns", "overlay-campaigns", campaignList)),
	}
}
