package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// overlayKind is a kind of overlay as people choose it.
type overlayKind struct {
	Kind        left4me.OverlayKind
	Label, Icon string
	What        string // it is good for
	Build       string // label of the button that makes a revision; empty: an upload does
}

// overlayKinds are all kinds, the likeliest first.
var overlayKinds = []overlayKind{
	{
		left4me.WorkshopOverlay, "Workshop", "workshop",
		"Campaigns and add-ons of the Steam workshop, by item or collection, kept up to date.", "Update now",
	},
	{
		left4me.FilesOverlay, "Files", "files",
		"What you upload and edit yourself: add-ons, plugins, configurations, or an archive with all of them.", "",
	},
	{
		left4me.ScriptOverlay, "Script", "script",
		"What a shell script downloads and puts together; recipes for SourceMod and others are there to begin with.", "Run the script",
	},
	{left4me.GitOverlay, "Git", "git", "A branch, tag or commit of a Git repository, or one directory of it.", "Fetch now"},
	{
		left4me.ReleaseOverlay, "GitHub release", "release", "What a project on GitHub publishes as its releases, as an archive.",
		"Fetch now",
	},
}

// kindOf is a kind by its word; one that this panel doesn't know is shown as it is.
func kindOf(k left4me.OverlayKind) overlayKind {
	for _, o := range overlayKinds {
		if o.Kind == k {
			return o
		}
	}
	return overlayKind{Kind: k, Label: string(k), Icon: "files"}
}

// overlayState is how an overlay is, in one badge.
func overlayState(v overlays.View) (tone, icon, word string) {
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
		return "warn", "unresponsive", count(warned(v.Content), "problem", "problems")
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

// revision is what is known of a revision; ok is false when there is none.
func revision(c left4me.Content, number int) (left4me.Revision, bool) {
	if number == 0 {
		number = c.Current
	}
	for _, r := range c.Revisions {
		if r.Number == number {
			return r, true
		}
	}
	return left4me.Revision{}, false
}

// warned is how many problems the current revision has.
func warned(c left4me.Content) int {
	r, _ := revision(c, 0)
	return max(r.Warned, len(r.Warnings))
}

// stale reports whether the definition was changed after the current revision was
// made, so that a build would make another one.
func stale(v overlays.View) bool {
	if v.Kind == left4me.FilesOverlay || !v.DeletedAt.IsZero() || v.Problem != "" || v.Job != nil {
		return false
	}
	r, ok := revision(v.Content, 0)
	return !ok || v.UpdatedAt.After(r.CreatedAt) && v.LookedAt.Before(v.UpdatedAt)
}

// findableOverlay is what a row of the list can be found by, in lower case.
func findableOverlay(v overlays.View) string {
	words := []string{string(v.Name), v.Note, kindOf(v.Kind).Label}
	for _, n := range v.Blueprints {
		words = append(words, string(n))
	}
	for _, n := range v.Servers {
		words = append(words, string(n))
	}
	return strings.ToLower(visible(strings.Join(words, " ")))
}

// overlayPath is the page of an overlay, or one beneath it.
func overlayPath(n left4me.Name, more ...string) string {
	return "/overlays/" + string(n) + strings.Join(more, "")
}

// until says a day and an hour that are still to come.
func until(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// nothingNew is what a build that made no revision said of it.
func nothingNew(last *left4me.Job) string {
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
	return last.Steps[len(last.Steps)-1].Note
}

// diffPath is the page that compares two revisions.
func diffPath(n left4me.Name, from, to int) string {
	return overlayPath(n, "/diff?from="+strconv.Itoa(from)+"&to="+strconv.Itoa(to))
}

// escaped is text as a value in an address.
func escaped(s string) string { return url.QueryEscape(s) }
