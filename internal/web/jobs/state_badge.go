package jobs

import "github.com/left4me/left4me/internal/left4me"

// Tone returns the colour of the badge for a job's state.
func Tone(s left4me.JobState) string {
	switch s {
	case left4me.JobDone:
		return "good"
	case left4me.JobRunning:
		return "busy"
	case left4me.JobFailed:
		return "bad"
	case left4me.JobInterrupted:
		return "warn"
	}
	return "idle"
}

// Icon returns the icon of the badge for a job's state.
func Icon(s left4me.JobState) string {
	switch s {
	case left4me.JobDone:
		return "check"
	case left4me.JobRunning:
		return "starting"
	case left4me.JobFailed:
		return "failed"
	case left4me.JobInterrupted:
		return "unresponsive"
	case left4me.JobCancelled:
		return "skipped"
	}
	return "pending"
}
