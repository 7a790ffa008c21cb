package overlay

import (
	"strings"

	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

// Kind is a kind of overlay as people choose it.
type Kind struct {
	Kind        left4me.OverlayKind
	Label, Icon string
	What        string // it is good for
	Build       string // label of the button that makes a revision; empty: an upload does
}

// Kinds are all kinds, the likeliest first.
var Kinds = []Kind{
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

// KindOf is a kind by its word; one that this panel doesn't know is shown as it is.
func KindOf(k left4me.OverlayKind) Kind {
	for _, o := range Kinds {
		if o.Kind == k {
			return o
		}
	}
	return Kind{Kind: k, Label: string(k), Icon: "files"}
}

// RevisionOf is what is known of a revision; ok is false when there is none.
func RevisionOf(c left4me.Content, number int) (left4me.Revision, bool) {
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

// UsedBy says who stacks an overlay.
func UsedBy(v overlays.View) string {
	var parts []string
	if n := len(v.Blueprints); n > 0 {
		parts = append(parts, format.Count(n, "blueprint", "blueprints"))
	}
	if n := len(v.Servers); n > 0 {
		parts = append(parts, format.Count(n, "server", "servers"))
	}
	return strings.Join(parts, ", ")
}
