package jobs

import "github.com/left4me/left4me/internal/left4me"

// logID returns the element id of a job's log. It changes when the job fails; see jobLog.
func logID(j left4me.Job) string {
	if j.State == left4me.JobFailed {
		return "log-failed-" + string(j.ID)
	}
	return "log-" + string(j.ID)
}
