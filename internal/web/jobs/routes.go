// Package jobs contains the pages of jobs, and the components that show a job on the page of its
// target.
package jobs

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages serves the pages of jobs.
type Pages struct {
	Panel    *page.Panel
	Jobs     *jobs.Jobs
	Overlays *overlays.Overlays
}

// Routes returns the routes of jobs.
func (p *Pages) Routes() []page.Route {
	one := p.Panel.JobRoutes()
	return []page.Route{
		page.SignedIn.Show("/jobs", "/jobs", p.listView),
		one.Show(accounts.See, "", "/jobs", p.jobView),
		one.HandleAs(rightOn, "POST", "/cancel", p.cancelJob),
		one.HandleAs(rightOn, "POST", "/retry", p.retryJob),
	}
}
