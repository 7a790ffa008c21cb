package accounts

import "github.com/left4me/left4me/internal/left4me"

// JobTarget is the target whose rights a job has: the server or overlay that it works
// on, and the site for jobs on the game, on backups and on all content of a host.
// It is the one that was there then: the next one of its name gives no right to the job.
func JobTarget(v left4me.Job) left4me.Target {
	t := left4me.TargetOf(v.Kind, v.Target)
	if t.Kind == left4me.HostTarget {
		return left4me.Site
	}
	if t.ID = v.TargetID; t.ID == "" {
		t.ID = deletedBefore
	}
	return t
}

// deletedBefore stands for what was deleted before there were ids.
const deletedBefore left4me.ID = "none"

// JobRight is the right on its target that somebody needs to ask for a job, to cancel
// it and to retry it.
func JobRight(kind left4me.JobKind) Right {
	switch kind {
	case left4me.StartServer, left4me.StopServer, left4me.RestartServer:
		return Operate
	case left4me.DiscardUpper, left4me.BuildOverlay:
		return Content
	case left4me.ResetServer, left4me.DeleteServer, left4me.DeleteOverlay, left4me.RestoreOverlay:
		return Manage
	}
	return SiteRight // also for kinds that are not known here: nobody gets it with one server or overlay
}
