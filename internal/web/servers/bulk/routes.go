// Package bulk contains the pages on which several servers are started, stopped or restarted: the
// question beforehand, which shows who is playing where, and the progress afterwards.
package bulk

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages contains what the pages need.
type Pages struct {
	Panel *page.Panel
	Bulk  *bulk.Bulk
}

// Routes returns the routes. The rights depend on the chosen servers, so package control/bulk checks
// them.
func (p *Pages) Routes() []page.Route {
	act := p.Panel.BulkActs()
	return []page.Route{
		page.SignedIn.Show("/bulk", "/servers", p.planView),
		page.SignedIn.Handle("POST /bulk", p.start),
		page.SignedIn.Handle("POST /bulk/choose", p.choose),
		page.SignedIn.FormAddress("/bulk/choose"),
		act.Show(accounts.See, "", "/servers", p.actView),
		act.Handle(accounts.Operate, "POST", "/cancel", p.cancel),
	}
}
