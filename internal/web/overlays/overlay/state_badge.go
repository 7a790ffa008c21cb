package overlay

import (
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
)

// stateBadge returns the badge of the state of an overlay.
func stateBadge(v overlays.View) (tone, icon string, word locale.Message) {
	switch {
	case !v.DeletedAt.IsZero():
		return "idle", "trash", locale.M("overlays.state.deleted")
	case v.Job != nil && v.Job.State == left4me.JobQueued:
		return "busy", "pending", locale.M("overlays.state.queued")
	case v.Job != nil:
		return "busy", "starting", jobWord(v.Job.Kind)
	case v.Problem != "":
		return "warn", "unknown", locale.M("overlays.state.unknown")
	case v.Failed != nil && v.Failed.Kind == left4me.BuildOverlay:
		return "bad", "failed", locale.M("overlays.state.build_failed")
	case v.Content.Current == 0:
		return "idle", "pending", locale.M("overlays.state.empty")
	case warned(v.Content) > 0:
		return "warn", "unresponsive", locale.M("overlays.problems", "count", warned(v.Content))
	}
	return "good", "check", locale.M("overlays.state.ready")
}

// jobWord returns the state of an overlay while a job of that kind runs.
func jobWord(k left4me.JobKind) locale.Message {
	switch k {
	case left4me.DeleteOverlay:
		return locale.M("overlays.state.deleting")
	case left4me.RestoreOverlay:
		return locale.M("overlays.state.restoring")
	}
	return locale.M("overlays.state.building")
}

// warned returns the number of problems of the current revision.
func warned(c left4me.Content) int {
	r, _ := RevisionOf(c, 0)
	return max(r.Warned, len(r.Warnings))
}

// Stale reports whether the definition of an overlay has changed since the current revision
// was built, so that a build may create a different one.
func Stale(v overlays.View) bool {
	if v.Kind == left4me.FilesOverlay || !v.DeletedAt.IsZero() || v.Problem != "" || v.Job != nil {
		return false
	}
	r, ok := RevisionOf(v.Content, 0)
	return !ok || v.UpdatedAt.After(r.CreatedAt) && v.CheckedAt.Before(v.UpdatedAt)
}
