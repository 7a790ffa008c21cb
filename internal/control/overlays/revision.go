package overlays

import (
	"context"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// Aliases for requests and answers about single files and differences, so that the panel and the
// API need not import the bus.
type (
	FileRequest = bus.FileRequest
	FileAnswer  = bus.FileAnswer
	DiffRequest = bus.DiffRequest
)

// MaxFile is the maximum number of bytes of a file in an answer.
const MaxFile = bus.MaxFile

// Revisions accesses the revisions on a host. It is safe for concurrent use.
type Revisions struct{ overlays *Overlays }

// Revisions returns access to revisions; the value may be copied.
func (c *Overlays) Revisions() Revisions { return Revisions{c} }

// Get returns the host's content of an overlay, with warnings, campaigns and items of one revision;
// 0 is the current one. Errors: left4me.NotFound, left4me.Unavailable.
func (c Revisions) Get(ctx context.Context, name left4me.Name, revision int) (left4me.Content, error) {
	return c.content(ctx, bus.VerbContent, bus.OverlayRequest{V: bus.Version, Overlay: name, Revision: revision})
}

// Tree returns a page of the files of a revision. Errors: left4me.NotFound, left4me.Unavailable.
func (c Revisions) Tree(ctx context.Context, name left4me.Name, revision int, f left4me.Filter) (left4me.Page[left4me.TreeFile], error) {
	return ask[left4me.Page[left4me.TreeFile]](ctx, c.overlays, bus.VerbTree,
		bus.TreeRequest{V: bus.Version, Overlay: name, Revision: revision, Filter: f})
}

// Diff returns a page of the differences between two revisions. Errors: left4me.NotFound,
// left4me.Unavailable.
func (c Revisions) Diff(ctx context.Context, name left4me.Name, from, to int, after string, limit int) (left4me.Page[left4me.FileChange],
	error,
) {
	return ask[left4me.Page[left4me.FileChange]](ctx, c.overlays, bus.VerbDiff,
		bus.DiffRequest{V: bus.Version, Overlay: name, From: from, To: to, After: after, Limit: limit})
}

// File returns the contents of a file of a revision. Errors: left4me.NotFound, left4me.Unavailable.
func (c Revisions) File(ctx context.Context, name left4me.Name, revision int, path, inside string) (bus.FileAnswer, error) {
	return ask[bus.FileAnswer](ctx, c.overlays, bus.VerbFile,
		bus.FileRequest{V: bus.Version, Overlay: name, Revision: revision, Path: path, Inside: inside})
}

// content sends a request whose answer is the host's content of an overlay.
func (c Revisions) content(ctx context.Context, verb string, in any) (left4me.Content, error) {
	v, err := ask[left4me.Content](ctx, c.overlays, verb, in)
	if err != nil {
		return v, err
	}
	names, err := c.overlays.storage.Overlays().Names(ctx)
	nameContent(c.overlays, &v, names)
	return v, err
}

// nameContent replaces the host's names of an overlay and of the servers that run its revisions
// with the current ones: a host may use names from before a rename.
func nameContent(c *Overlays, v *left4me.Content, names left4me.OverlayNames) {
	if shown := names.Shown(v.Name); shown != v.Name {
		v.Name, v.NameOnHost = shown, v.Name
	}
	for i := range v.Revisions {
		v.Revisions[i].Servers = c.servers.Names().Shown(c.host, v.Revisions[i].Servers)
	}
}

// Use makes a revision the current one. Errors: left4me.NotFound, left4me.Unavailable.
func (c Revisions) Use(ctx context.Context, by left4me.Actor, name left4me.Name, revision int) (left4me.Content, error) {
	v, err := c.content(ctx, bus.VerbUse, bus.OverlayRequest{V: bus.Version, Overlay: name, Revision: revision})
	if err == nil {
		c.overlays.revisionsChanged.Ring()
		c.overlays.log.InfoContext(ctx, "revision is the current one", "overlay", name, "revision", revision, "by", by.String())
	}
	return v, err
}

// Label labels a revision. Errors: left4me.NotFound, left4me.Invalid, left4me.Unavailable.
func (c Revisions) Label(ctx context.Context, by left4me.Actor, name left4me.Name, revision int, label string) (left4me.Content, error) {
	var f fields
	f.text("label", label, maxLabel)
	if err := f.err(); err != nil {
		return left4me.Content{}, err
	}
	v, err := c.content(ctx, bus.VerbLabel,
		bus.LabelRequest{V: bus.Version, Overlay: name, Revision: revision, Label: label})
	if err == nil {
		c.overlays.revisionsChanged.Ring()
		c.overlays.log.InfoContext(ctx, "revision labelled", "overlay", name, "revision", revision, "by", by.String(), "label", label)
	}
	return v, err
}

// Drop deletes an unused revision. Errors: left4me.NotFound, left4me.Busy, left4me.Unavailable.
func (c Revisions) Drop(ctx context.Context, by left4me.Actor, name left4me.Name, revision int) (left4me.Content, error) {
	use, err := c.overlays.uses(ctx)
	if err != nil {
		return left4me.Content{}, err
	}
	at := left4me.OverlayRef{Name: name, Revision: revision}
	if blueprints, servers := use.pinnedBy.blueprints[at], use.pinnedBy.servers[at]; len(blueprints)+len(servers) > 0 {
		return left4me.Content{}, left4me.NewError(left4me.Busy, "revision.used", "overlay", name, "revision", revision, "blueprints",
			joinNames(blueprints), "servers", joinNames(servers))
	}
	v, err := c.content(ctx, bus.VerbDropRev, bus.OverlayRequest{V: bus.Version, Overlay: name, Revision: revision})
	if err == nil {
		c.overlays.revisionsChanged.Ring()
		c.overlays.log.InfoContext(ctx, "revision removed", "overlay", name, "revision", revision, "by", by.String())
	}
	return v, err
}
