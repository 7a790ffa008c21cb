package jobs

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// For is a job as who may see it.
func For(who accounts.Actor, j left4me.Job) left4me.Job {
	if accounts.Allow(who, accounts.Act, left4me.Site) != nil {
		return j.Public()
	}
	return j
}
