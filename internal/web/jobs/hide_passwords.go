package jobs

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// For returns a job as who may read it: without passwords unless who may configure the job's
// target, and with an error that names nothing that who may not see.
func For(who accounts.Actor, j left4me.Job) left4me.Job {
	target := accounts.JobTarget(j)
	j.Error = accounts.ConcealIn(who, target, j.Error)
	right := accounts.Configure
	if target == left4me.Site {
		right = accounts.SiteRight
	}
	if accounts.Allow(who, right, target) != nil {
		return j.Public()
	}
	return j
}
