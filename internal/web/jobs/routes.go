// Package jobs is the pages of jobs, and how a job is shown on the pages of what it
// works on.
package jobs

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of jobs.
type Pages struct {
	Panel *page.Panel
	Jobs  *jobs.Jobs
}

// Routes is the part of the table of routes that is about jobs.
func (p *Pages) Routes() []page.Route {
	const read, change = accounts.Look, accounts.Act
	return []page.Route{
		page.Show(read, "/jobs", "/jobs", p.listView),
		page.Show(read, "/jobs/{id}", "/jobs", p.jobView),
		page.Handle(change, "POST /jobs/{id}/cancel", p.cancelJob),
		page.Handle(change, "POST /jobs/{id}/retry", p.retryJob),
	}
}
