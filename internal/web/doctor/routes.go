// Package doctor is the page of what a machine lacks, and how findings are shown.
package doctor

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the page of the doctor.
type Pages struct {
	Panel *page.Panel
	Hosts *hosts.Hosts
}

// Routes is the part of the table of routes that is about the doctor.
func (p *Pages) Routes() []page.Route {
	return []page.Route{page.Site(accounts.SiteRight).Show("/doctor", "/doctor", p.doctorView)}
}
