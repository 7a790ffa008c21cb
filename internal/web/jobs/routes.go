// Package jobs is the pages of jobs, and how a job is shown on the pages of what it
// works on.
package jobs

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of jobs.
type Pages struct {
	Panel    *page.Panel
	Jobs     *jobs.Jobs
	Overlays *overlays.Overlays
}

// Routes is the part of the table of routes that is about jobs.
func (p *Pages) Routes() []page.Route {
	one := p.Panel.JobRoutes()
	return []page.Route{
		page.SignedIn.Show("/jobs", "/jobs", p.listView),
		one.Show(accounts.See, "", "/jobs", p.jobView),
		one.HandleAs(rightOn, "POST", "/cancel", p.cancelJob),
		one.HandleAs(rightOn, "POST", "/retry", p.retryJob),
	}
}
