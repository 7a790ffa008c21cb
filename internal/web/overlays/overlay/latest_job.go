package overlay

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

// nothingNew returns the note of a build that found nothing new and created no revision, for
// one hour after its end. It returns "" for other jobs.
func nothingNew(ctx context.Context, last *left4me.Job) string {
	if last == nil || last.Kind != left4me.BuildOverlay || last.State != left4me.JobDone || time.Since(last.EndedAt) > time.Hour {
		return ""
	}
	for _, s := range last.Steps {
		if s.Label == left4me.StepPublishOverlay && s.State != left4me.StepSkipped {
			return ""
		}
	}
	if len(last.Steps) == 0 {
		return ""
	}
	return format.StepNote(ctx, last.Steps[len(last.Steps)-1])
}
