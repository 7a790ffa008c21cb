package overlay

import (
	"context"
	"slices"

	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
)

// Kind is a kind of overlay as people choose it. Its texts are messages of the catalogue.
type Kind struct {
	Kind  left4me.OverlayKind
	Icon  string
	label locale.Message
	about locale.Message
	build locale.Message // label of the button that creates a revision; zero: an upload creates it
}

// Kinds lists all kinds of overlays, the most used first.
var Kinds = []Kind{
	{
		left4me.WorkshopOverlay, "workshop",
		locale.M("overlays.kind.workshop"), locale.M("overlays.kind.workshop.about"), locale.M("overlays.kind.workshop.build"),
	},
	{left4me.FilesOverlay, "files", locale.M("overlays.kind.files"), locale.M("overlays.kind.files.about"), locale.Message{}},
	{
		left4me.ScriptOverlay, "script",
		locale.M("overlays.kind.script"), locale.M("overlays.kind.script.about"), locale.M("overlays.kind.script.build"),
	},
	{
		left4me.GitOverlay, "git",
		locale.M("overlays.kind.git"), locale.M("overlays.kind.git.about"), locale.M("overlays.kind.git.build"),
	},
	{
		left4me.ReleaseOverlay, "release",
		locale.M("overlays.kind.release"), locale.M("overlays.kind.release.about"), locale.M("overlays.kind.release.build"),
	},
}

// KindOf returns the description of a kind. The label of a kind that this version does
// not know is the kind itself.
func KindOf(k left4me.OverlayKind) Kind {
	for _, o := range Kinds {
		if o.Kind == k {
			return o
		}
	}
	return Kind{Kind: k, Icon: "files"}
}

// Label returns the name of the kind.
func (k Kind) Label(ctx context.Context) string {
	if k.label.Key == "" {
		return format.Visible(string(k.Kind))
	}
	return k.label.In(locale.From(ctx))
}

// About returns a sentence about the content of overlays of this kind.
func (k Kind) About(ctx context.Context) string { return k.about.In(locale.From(ctx)) }

// BuildLabel returns the label of the button that creates a revision. Only overlays whose
// content is not uploaded have this button.
func (k Kind) BuildLabel(ctx context.Context) string { return k.build.In(locale.From(ctx)) }

// RevisionOf returns a revision of c by its number; 0 is the current revision. It reports
// false if c has no such revision.
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

// UsedBy returns how many blueprints and servers have an overlay in their stack. It reports
// false if none has.
func UsedBy(v overlays.View) (users locale.Message, ok bool) {
	blueprints := locale.M("overlays.used_by.blueprints", "count", len(v.Blueprints))
	servers := locale.M("overlays.used_by.servers", "count", len(v.Servers))
	switch {
	case len(v.Servers) == 0:
		return blueprints, len(v.Blueprints) > 0
	case len(v.Blueprints) == 0:
		return servers, true
	}
	return locale.M("overlays.used_by.both", "blueprints", blueprints, "servers", servers), true
}

// UserNames returns the names of the blueprints and servers that have an overlay in their
// stack, blueprints first.
func UserNames(v overlays.View) string {
	return left4me.JoinNames(slices.Concat(v.Blueprints, v.Servers))
}
