// Package connect contains the parts and pages about connecting to servers: the address with its copy button, and the
// page on which the public address is set.
package connect

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages serves the page of the public address.
type Pages struct {
	Panel   *page.Panel
	Servers *servers.Servers
}

// Routes returns the routes of the public address.
func (p *Pages) Routes() []page.Route {
	change := page.Site(accounts.SiteRight)
	return []page.Route{
		change.Show("/address", "/servers", p.addressView),
		change.Handle("POST /address", p.setAddress),
	}
}

// maySet reports whether the actor may set the public address.
func maySet(who accounts.Actor) bool { return page.May(who, accounts.SiteRight, left4me.Site).Act }
