package accounts

import "github.com/left4me/left4me/internal/left4me"

// JobTarget returns the target whose rights apply to a job: the server or overlay it works on, or
// the site for jobs on the game, on backups and on all content of a host. The target is identified
// by id, so that a later object of the same name gives no rights to the job.
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

// deletedBefore stands for a target that was deleted before ids were introduced.
const deletedBefore left4me.ID = "none"

// JobRight returns the right on its target that an actor needs to request, cancel or retry a job.
func JobRight(kind left4me.JobKind) Right {
	switch kind {
	case left4me.StartServer, left4me.StopServer, left4me.RestartServer, left4me.ChangeMap:
		return Operate
	case left4me.DiscardUpper, left4me.BuildOverlay:
		return Content
	case left4me.ResetServer, left4me.DeleteServer, left4me.DeleteOverlay, left4me.RestoreOverlay:
		return Manage
	}
	return SiteRight // also for unknown kinds: rights on a single server or overlay don't include it
}
