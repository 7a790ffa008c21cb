package jobs

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// For returns the parts of a job that the actor may read. Passwords are hidden unless the actor may
// configure the job's target, and error and notes name no object that the actor may not see.
func For(who accounts.Actor, j left4me.Job) left4me.Job {
	target := accounts.JobTarget(j)
	j = accounts.ConcealJob(who, j)
	right := accounts.Configure
	if target == left4me.Site {
		right = accounts.SiteRight
	}
	if accounts.Allow(who, right, target) != nil {
		return j.Public()
	}
	return j
}
