package overlay

import (
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

// State is how an overlay is, in one badge.
func State(v overlays.View) (tone, icon, word string) {
	switch {
	case !v.DeletedAt.IsZero():
		return "idle", "trash", "deleted"
	case v.Job != nil && v.Job.State == left4me.JobQueued:
		return "busy", "pending", "queued"
	case v.Job != nil:
		return "busy", "starting", buildingWord(v)
	case v.Problem != "":
		return "warn", "unknown", "not known"
	case v.Failed != nil && v.Failed.Kind == left4me.BuildOverlay:
		return "bad", "failed", "build failed"
	case v.Content.Current == 0:
		return "idle", "pending", "empty"
	case warned(v.Content) > 0:
		return "warn", "unresponsive", format.Count(warned(v.Content), "problem", "problems")
	}
	return "good", "check", "ready"
}

func buildingWord(v overlays.View) string {
	switch v.Job.Kind {
	case left4me.DeleteOverlay:
		return "deleting…"
	case left4me.RestoreOverlay:
		return "taking back…"
	}
	return "building…"
}

// warned is how many problems the current revision has.
func warned(c left4me.Content) int {
	r, _ := RevisionOf(c, 0)
	return max(r.Warned, len(r.Warnings))
}

// Stale reports whether the definition was changed after the current revision was
// made, so that a build would make another one.
func Stale(v overlays.View) bool {
	if v.Kind == left4me.FilesOverlay || !v.DeletedAt.IsZero() || v.Problem != "" || v.Job != nil {
		return false
	}
	r, ok := RevisionOf(v.Content, 0)
	return !ok || v.UpdatedAt.After(r.CreatedAt) && v.CheckedAt.Before(v.UpdatedAt)
}
