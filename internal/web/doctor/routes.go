// Package doctor contains the page with the health checks of a host, and the components that show
// checks.
package doctor

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages serves the page of health checks.
type Pages struct {
	Panel *page.Panel
	Hosts *hosts.Hosts
}

// Routes returns the routes of health checks.
func (p *Pages) Routes() []page.Route {
	return []page.Route{page.Site(accounts.SiteRight).Show("/doctor", "/doctor", p.doctorView)}
}
