package overlays

import (
	"context"
	"errors"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// What a host is asked for with, and says, of single files and of differences. The
// panel and the API know the words and not the bus.
type (
	FileRequest = bus.FileRequest
	FileAnswer  = bus.FileAnswer
	DiffRequest = bus.DiffRequest
)

// MaxFile is how much of a file an answer brings.
const MaxFile = bus.MaxFile

// View is an overlay with what its host has of it.
type View struct {
	left4me.Overlay
	Content    left4me.Content
	Problem    string         // why the host could not be asked; then Content is empty
	Job        *left4me.Job   // the build that is queued or runs, or nil
	Failed     *left4me.Job   // the newest job, when it failed; without its log
	Blueprints []left4me.Name // that stack it
	Servers    []left4me.Name // that stack it, by their blueprint or themselves
	Behind     []Behind       // servers that a restart would bring to another revision
	CheckedAt  time.Time      // when somebody last looked for something newer
	DeletedAt  time.Time      // it is set aside
}

// Behind is a server that is up with a revision of an overlay, and would start with
// another one.
type Behind struct {
	Server left4me.Name
	From   int
	To     int // 0: it doesn't stack the overlay any more
}

// Script is an older version of an overlay's script.
type Script struct {
	Version   int
	Text      string
	By        string
	CreatedAt time.Time
}

// Request is what a build is asked for with.
type Request struct {
	Note    string           // why, in people's words
	Change  *left4me.Change  // of a files overlay
	Promote *left4me.Promote // of a files overlay
}

// Revisions are what a host has of overlays. It is safe for concurrent use.
type Revisions struct{ overlays *Overlays }

// Revisions returns them; the value may be copied.
func (c *Overlays) Revisions() Revisions { return Revisions{c} }

// Get returns what the host has of an overlay, with warnings, campaigns and
// items of one revision; 0 is the current one. Errors: left4me.NotFound,
// left4me.Unavailable.
func (c Revisions) Get(ctx context.Context, name left4me.Name, revision int) (left4me.Content, error) {
	return c.content(ctx, bus.VerbContent, bus.OverlayRequest{V: bus.Version, Overlay: name, Revision: revision})
}

// Tree returns a page of the files of a revision. Errors: left4me.NotFound,
// left4me.Unavailable.
func (c Revisions) Tree(ctx context.Context, name left4me.Name, revision int, f left4me.Filter) (left4me.Page[left4me.TreeFile], error) {
	return ask[left4me.Page[left4me.TreeFile]](ctx, c.overlays, bus.VerbTree,
		bus.TreeRequest{V: bus.Version, Overlay: name, Revision: revision, Filter: f})
}

// Diff returns a page of how two revisions differ. Errors: left4me.NotFound,
// left4me.Unavailable.
func (c Revisions) Diff(ctx context.Context, name left4me.Name, from, to int, after string, limit int) (left4me.Page[left4me.FileChange],
	error,
) {
	return ask[left4me.Page[left4me.FileChange]](ctx, c.overlays, bus.VerbDiff,
		bus.DiffRequest{V: bus.Version, Overlay: name, From: from, To: to, After: after, Limit: limit})
}

// File returns what a file of a revision holds. Errors: left4me.NotFound,
// left4me.Unavailable.
func (c Revisions) File(ctx context.Context, name left4me.Name, revision int, path, inside string) (bus.FileAnswer, error) {
	return ask[bus.FileAnswer](ctx, c.overlays, bus.VerbFile,
		bus.FileRequest{V: bus.Version, Overlay: name, Revision: revision, Path: path, Inside: inside})
}

// Plan says what an import would do. Errors: left4me.NotFound,
// left4me.Unavailable; what is wrong with the files is in the plan.
func (c *Overlays) Plan(ctx context.Context, name left4me.Name, change left4me.Change) (left4me.Plan, error) {
	if v, err := c.storage.Overlays().Get(ctx, name); err == nil && change.Import.Texts == "" {
		change.Import.Texts = v.Texts
	}
	if err := c.hint(ctx, &change.Import); err != nil {
		return left4me.Plan{}, err
	}
	v, err := c.storage.Overlays().Get(ctx, name)
	if err != nil && !errors.Is(err, left4me.NotFound) {
		return left4me.Plan{}, err
	}
	if !change.Import.Exact {
		change.Import.Moves = left4me.MergeMoves(v.Moves, change.Import.Moves)
	}
	if err := CheckMoves("import.moves", change.Import.Moves); err != nil {
		return left4me.Plan{}, err
	}
	plan, err := ask[left4me.Plan](ctx, c, bus.VerbPlan, bus.PlanRequest{V: bus.Version, Overlay: name, Change: change})
	if len(change.Import.Moves) > 0 {
		plan.Moves = change.Import.Moves
	}
	return plan, err
}

// ForgetMove lets the next upload to an overlay find out where a folder or file goes
// that was moved before. Errors: left4me.NotFound.
func (c *Overlays) ForgetMove(ctx context.Context, by left4me.Actor, name left4me.Name, from string) error {
	if err := c.storage.Overlays().RememberMoves(ctx, name, []left4me.FolderMove{{From: from}}); err != nil {
		return err
	}
	c.log.InfoContext(ctx, "move forgotten", "overlay", name, "by", by.String(), "folder", from)
	return nil
}

// LookUp asks Steam about workshop items, without downloading any. Errors:
// left4me.Unavailable.
func (c *Overlays) LookUp(ctx context.Context, w left4me.Workshop) ([]left4me.WorkshopState, error) {
	return ask[[]left4me.WorkshopState](ctx, c, bus.VerbWorkshop, w)
}

// content asks the host for what it has of an overlay, or has after a change.
func (c Revisions) content(ctx context.Context, verb string, in any) (left4me.Content, error) {
	v, err := ask[left4me.Content](ctx, c.overlays, verb, in)
	if err != nil {
		return v, err
	}
	names, err := c.overlays.storage.Overlays().Names(ctx)
	nameContent(c.overlays, &v, names)
	return v, err
}

// nameContent names what a host has of an overlay as people do, and so the servers that are up
// with each revision: their host may use older names.
func nameContent(c *Overlays, v *left4me.Content, names left4me.OverlayNames) {
	if shown := names.Shown(v.Name); shown != v.Name {
		v.Name, v.NameOnHost = shown, v.Name
	}
	for i := range v.Revisions {
		v.Revisions[i].Servers = c.servers.Names().Shown(c.host, v.Revisions[i].Servers)
	}
}

// readWithin bounds what a host may have to read or to ask Steam for.
const readWithin = 60 * time.Second

// ask asks the host that has the content.
func ask[T any](ctx context.Context, c *Overlays, verb string, in any) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	var out T
	names, err := c.storage.Overlays().Names(ctx)
	if err == nil {
		err = names.Error(c.bus.Request(ctx, bus.Command(c.host, verb), onHost(names, in), &out))
	}
	return out, err
}

// onHost is a question to a host with its name for the overlay.
func onHost(names left4me.OverlayNames, in any) any {
	switch in := in.(type) {
	case bus.OverlayRequest:
		in.Overlay = names.OnHost(in.Overlay)
		return in
	case bus.TreeRequest:
		in.Overlay = names.OnHost(in.Overlay)
		return in
	case bus.DiffRequest:
		in.Overlay = names.OnHost(in.Overlay)
		return in
	case bus.FileRequest:
		in.Overlay = names.OnHost(in.Overlay)
		return in
	case bus.LabelRequest:
		in.Overlay = names.OnHost(in.Overlay)
		return in
	case bus.PlanRequest:
		in.Overlay = names.OnHost(in.Overlay)
		return in
	}
	return in
}
