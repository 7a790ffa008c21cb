package jobs

import (
	"context"
	"net/http"
	"slices"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

const (
	listedJobs = 100 // bound of the list, and of a page read from the database
	readPages  = 10  // bound of pages read to find jobs that the user may see
)

// listView returns the page that lists jobs.
func (p *Pages) listView(r *http.Request, who accounts.Actor) (page.View, error) {
	all, err := p.jobList(r.Context(), who)
	if err != nil {
		return page.View{}, err
	}
	for i := range all {
		all[i] = For(who, all[i])
	}
	rows := RowParts(all, true)
	table := page.NewPart("jobs", table(rows), page.OnJobs())
	table.Rows = rows
	return page.View{
		Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "page.menu.jobs"), "jobs"),
		Body:  []page.Piece{page.Fixed(jobsHead()), table},
	}, nil
}

// RowParts returns the rows of a table of jobs; target adds the column of targets.
func RowParts(all []left4me.Job, target bool) []*page.Part {
	rows := make([]*page.Part, len(all))
	for i, j := range all {
		rows[i] = page.NewPart("job-"+string(j.ID), row(j, target), page.OnJob(j.ID))
	}
	return rows
}

// jobList returns the newest jobs that the actor may see, at most listedJobs. Queued and running jobs come
// before those that have ended.
func (p *Pages) jobList(ctx context.Context, who accounts.Actor) ([]left4me.Job, error) {
	var all []left4me.Job
	var before left4me.JobID
	for range readPages {
		some, err := p.Jobs.Page(ctx, "", "", before, listedJobs)
		if err != nil {
			return nil, err
		}
		last := len(some) < listedJobs
		if !last {
			before = some[len(some)-1].ID
		}
		all = append(all, accounts.Visible(who, some, accounts.JobTarget)...)
		if last || len(all) >= listedJobs {
			break
		}
	}
	all = all[:min(len(all), listedJobs)]
	slices.SortStableFunc(all, func(a, b left4me.Job) int {
		switch {
		case a.State.Ended() == b.State.Ended():
			return 0
		case b.State.Ended():
			return -1
		}
		return 1
	})
	return all, nil
}
