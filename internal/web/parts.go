package web

import "github.com/left4me/left4me/internal/left4me"

// drawings are the icons: paths on a square of 16, drawn with a line of 1.6.
var drawings = map[string]string{
	"servers":      "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01",
	"jobs":         "M2.5 4l1 1 2-2M2.5 8.5l1 1 2-2M2.5 13l1 1 2-2M8 4h5.5M8 8.5h5.5M8 13h5.5",
	"game":         "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 1.8v3.4M8 10.8v3.4M1.8 8h3.4M10.8 8h3.4",
	"pin":          "M5.5 2h5M6.5 2v5L4 9.5h8L9.5 7V2M8 9.5V14",
	"backups":      "M2.5 3h11v3h-11zM3.5 6v7h9V6M6.5 8.5h3",
	"doctor":       "M8 2.5v11M2.5 8h11M5.5 2.5h5v3h3v5h-3v3h-5v-3h-3v-5h3z",
	"logout":       "M6.5 2.5h-4v11h4M6.5 8h7M10.5 5l3 3-3 3",
	"theme-auto":   "M2 3h12v8H2zM5.5 14h5",
	"theme-light":  "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1M8 14v1M1 8h1M14 8h1M3 3l.7.7M12.3 12.3l.7.7M3 13l.7-.7M12.3 3.7L13 3",
	"theme-dark":   "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z",
	"play":         "M4.5 2.5v11l9-5.5z",
	"stop":         "M3.5 3.5h9v9h-9z",
	"restart":      "M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3",
	"plus":         "M8 2.5v11M2.5 8h11",
	"copy":         "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
	"join":         "M9 3h4v10H9M2.5 8h7M7 5l3 3-3 3",
	"running":      "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM5 8.2l2.1 2.1L11 6.2",
	"starting":     "M8 1.8a6.2 6.2 0 1 0 6.2 6.2",
	"stopping":     "M8 1.8a6.2 6.2 0 1 0 6.2 6.2",
	"unresponsive": "M8 2L1.8 13.2h12.4zM8 6.5v3M8 11.4h.01",
	"failed":       "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6",
	"stopped":      "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM6 6h4v4H6z",
	"unknown": "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM6.2 6.3A1.9 1.9 0 0 1 8 5c1 0 1.8.7 1.8 1.6 0 1.3-1.8 1.4-1.8 " +
		"2.6M8 11.3h.01",
	"pending":  "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8z",
	"skipped":  "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM5 8h6",
	"check":    "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM5 8.2l2.1 2.1L11 6.2",
	"search":   "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5l3 3",
	"send":     "M2.5 8h10M9 4.5L12.5 8 9 11.5",
	"minus":    "M2.5 8h11",
	"down":     "M8 3v9M4.5 8.5L8 12l3.5-3.5",
	"up":       "M8 13V4M4.5 7.5L8 4l3.5 3.5",
	"overlays": "M8 2l6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3",
	"files":    "M9 2H4v12h8V5zM9 2v3h3",
	"folder":   "M2 4h4l1.5 2H14v7H2z",
	"workshop": "M3 14V7l5-4.5L13 7v7zM6.5 14v-4h3v4",
	"script":   "M3 4l4 4-4 4M8.5 12H13",
	"git":      "M5 3v10M5 8h4a2 2 0 0 0 2-2V5M5 3h.01M11 4.5h.01M5 13h.01",
	"release":  "M8 2l5.5 3v6L8 14l-5.5-3V5zM2.5 5L8 8l5.5-3M8 8v6",
	"trash":    "M3 4.5h10M6.5 4V2.5h3V4M4.5 4.5l.6 9h5.8l.6-9",
	"edit":     "M3 13l.6-2.8L10.8 3l2.2 2.2-7.2 7.2z",
	"map":      "M2 4l4-1.5 4 1.5 4-1.5v9.5l-4 1.5-4-1.5-4 1.5zM6 2.5v9.5M10 4v9.5",
}

// yes is an ARIA boolean.
func yes(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// tone is the colour that a state is shown in; the icon and the word say the
// same.
func tone(s left4me.ServerState) string {
	switch s {
	case left4me.Running:
		return "good"
	case left4me.Starting, left4me.Stopping:
		return "busy"
	case left4me.Unresponsive:
		return "warn"
	case left4me.Failed:
		return "bad"
	}
	return "idle"
}

// jobTone and jobIcon are tone and icon of a job.
func jobTone(s left4me.JobState) string {
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

func jobIcon(s left4me.JobState) string {
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

func stepTone(s left4me.StepState) string {
	switch s {
	case left4me.StepDone:
		return "good"
	case left4me.StepRunning:
		return "busy"
	case left4me.StepFailed:
		return "bad"
	}
	return "idle"
}

func stepIcon(s left4me.StepState) string {
	switch s {
	case left4me.StepDone:
		return "check"
	case left4me.StepRunning:
		return "starting"
	case left4me.StepFailed:
		return "failed"
	case left4me.StepSkipped:
		return "skipped"
	}
	return "pending"
}
