package jobs

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// For is a job as who may see it: without passwords for whoever may not configure what
// it works on, and with an error that names nothing that who may not see.
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
