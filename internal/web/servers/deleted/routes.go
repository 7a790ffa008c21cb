// Package deleted contains the pages of deleted servers that can be restored.
package deleted

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages serves the pages of deleted servers.
type Pages struct {
	Panel   *page.Panel
	Servers *servers.Servers
}

// Routes returns the routes of deleted servers.
func (p *Pages) Routes() []page.Route {
	one := p.Panel.DeletedServers()
	return []page.Route{
		page.SignedIn.Show("/deleted-servers", "/servers", p.listView),
		one.Show(accounts.Manage, "/remove", "/deleted-servers", p.removeView),
		one.Handle(accounts.Manage, "POST", "/remove", p.remove),
		one.Handle(accounts.Manage, "POST", "/restore", p.restore),
	}
}
