package jobs

import "github.com/left4me/left4me/internal/left4me"

// logID names what a job printed, while it works and after it failed.
func logID(j left4me.Job) string {
	if j.State == left4me.JobFailed {
		return "log-failed-" + string(j.ID)
	}
	return "log-" + string(j.ID)
}
