package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

// pace says how fast a step goes and how long it will take, when both can be
// known.
func pace(ctx context.Context, s left4me.Step, now time.Time) string {
	took := now.Sub(s.StartedAt)
	if s.State != left4me.StepRunning || s.Progress.Done <= 0 || s.StartedAt.IsZero() || took < time.Second {
		return ""
	}
	rate := float64(s.Progress.Rate) // of the last moments, where the host tells it
	if rate <= 0 {
		rate = float64(s.Progress.Done) / took.Seconds()
	}
	text := format.Amount(ctx, int64(rate), s.Progress.Unit) + "/s"
	if rest := s.Progress.Total - s.Progress.Done; rest > 0 {
		text += ", " + format.Span(ctx, time.Duration(float64(rest)/rate*float64(time.Second))) + " left"
	}
	return text
}

// took is how long something short took.
func took(ctx context.Context, d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", max(d, 0).Milliseconds())
	}
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return format.Span(ctx, d)
}

// CurrentStep is the step that a job is at.
func CurrentStep(j left4me.Job) string {
	for _, s := range j.Steps {
		if s.State == left4me.StepRunning {
			return format.Visible(s.Label)
		}
	}
	return ""
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
