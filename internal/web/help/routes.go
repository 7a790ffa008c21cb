// Package help contains the help page, with version, documentation and keyboard shortcuts, and the glossary.
package help

import "github.com/left4me/left4me/internal/web/page"

// Pages serves the help pages.
type Pages struct{ Panel *page.Panel }

// Routes returns the routes of the help pages.
func (p *Pages) Routes() []page.Route {
	return []page.Route{
		page.SignedIn.Show("/help", "/help", p.helpView),
		page.SignedIn.Show("/help/glossary", "/help", p.glossaryView),
	}
}
