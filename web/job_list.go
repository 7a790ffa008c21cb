package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/accounts"
)

const listedJobs = 100

func (p *panel) listJobs(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	all, err := p.jobList(r.Context())
	if err != nil {
		return err
	}
	f := p.frame(r, who, "Jobs", "jobs")
	f.Live = "/jobs/live"
	return p.render(w, r, http.StatusOK, jobsPage(f, all))
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

// followJobs sends the row of a job that moves on, and the whole list when one
// came or ended.
func (p *panel) followJobs(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
	return p.stream(w, r, func(ctx context.Context, send func(event)) error {
		have := sent{}
		running := map[left4me.JobID]bool{}
		whole := func() error {
			all, err := p.jobList(ctx)
			if err != nil {
				return err
			}
			clear(running)
			for _, j := range all {
				if !j.State.Ended() {
					running[j.ID] = true
				}
			}
			e, fresh, err := have.fresh(ctx, "", jobTable(all))
			if fresh {
				send(e)
			}
			return err
		}
		changes := p.Jobs.WatchAll(ctx)
		if err := whole(); err != nil {
			return err
		}
		for j := range changes {
			if j.State.Ended() || !running[j.ID] {
				if err := whole(); err != nil {
					return err
				}
				continue
			}
			e, fresh, err := have.fresh(ctx, string(j.ID), jobRow(j, true))
			if err != nil {
				return err
			}
			if fresh {
				send(e)
			}
		}
		return nil
	})
}
