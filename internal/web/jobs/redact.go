package jobs

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// For is a job as who may see it: without passwords for whoever may not configure what
// it works on.
func For(who accounts.Actor, j left4me.Job) left4me.Job {
	target := accounts.JobTarget(j)
	right := accounts.Configure
	if target == left4me.Site {
		right = accounts.SiteRight
	}
	if accounts.Allow(who, right, target) != nil {
		return j.Public()
	}
	return j
}

// MayAct says whether somebody may cancel and retry a job.
func MayAct(who accounts.Actor, j left4me.Job) page.Permission {
	return page.May(who, rightOn(j), accounts.JobTarget(j))
}

// rightOn is the right that cancelling and retrying a job needs.
func rightOn(j left4me.Job) accounts.Right { return accounts.JobRight(j.Kind) }
