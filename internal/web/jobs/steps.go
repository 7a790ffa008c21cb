package jobs

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
)

// pace returns the rate and the remaining time of a running step, or an empty string while the rate
// is unknown. The rate is that of the last moments if the host reports it, and else the average
// since the step started.
func pace(ctx context.Context, s left4me.Step, now time.Time) string {
	took := now.Sub(s.StartedAt)
	if s.State != left4me.StepRunning || s.Progress.Done <= 0 || s.StartedAt.IsZero() || took < time.Second {
		return ""
	}
	rate := float64(s.Progress.Rate)
	if rate <= 0 {
		rate = float64(s.Progress.Done) / took.Seconds()
	}
	left := ""
	if rest := s.Progress.Total - s.Progress.Done; rest > 0 {
		left = format.Span(ctx, time.Duration(float64(rest)/rate*float64(time.Second)))
	}
	return locale.T(ctx, "jobs.step.pace", "rate", format.Amount(ctx, int64(rate), s.Progress.Unit), "left", left)
}

// CurrentStep returns the label of a job's running step, or an empty string.
func CurrentStep(ctx context.Context, j left4me.Job) string {
	for _, s := range j.Steps {
		if s.State == left4me.StepRunning {
			return stepLabel(ctx, s)
		}
	}
	return ""
}

// stepLabel returns the label of a step in the reader's language.
func stepLabel(ctx context.Context, s left4me.Step) string {
	return format.Visible(left4me.StepText(locale.From(ctx), s.Label))
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

// progressOf returns how much of a step is done, with both amounts in the same unit.
func progressOf(ctx context.Context, s left4me.Step) string {
	done, total := format.Amounts(ctx, s.Progress.Done, s.Progress.Total, s.Progress.Unit)
	return locale.T(ctx, "jobs.step.progress", "done", done, "total", total)
}
