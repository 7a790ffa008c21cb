package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

const listedJobs = 100

// jobsView is the list of jobs.
func (p *panel) jobsView(r *http.Request, who accounts.Actor) (view, error) {
	all, err := p.jobList(r.Context())
	if err != nil {
		return view{}, err
	}
	for i := range all {
		all[i] = jobFor(who, all[i])
	}
	rows := jobParts(all, true)
	table := showing("jobs", jobTable(rows), onJobs())
	table.rows = rows
	return view{frame: p.frame(r, who, "Jobs", "jobs"), body: []piece{fixed(jobsHead()), table}}, nil
}

// jobParts are the rows of a list of jobs.
func jobParts(all []left4me.Job, target bool) []*part {
	rows := make([]*part, len(all))
	for i, j := range all {
		rows[i] = showing("job-"+string(j.ID), jobRow(j, target), onJob(j.ID))
	}
	return rows
}

// jobList is the newest jobs, those that run or wait before those that have
// ended.
func (p *panel) jobList(ctx context.Context) ([]left4me.Job, error) {
	all, err := p.Jobs.List(ctx, "", "", listedJobs)
	if err != nil {
		return nil, err
	}
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
