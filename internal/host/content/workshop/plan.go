package workshop

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/steam"
)

// Plan is the content of an overlay according to Steam.
type Plan struct {
	note        left4me.Note // unknown facts; zero if all are known
	items       []*item
	collections []left4me.WorkshopState
	names       string // naming mode, see left4me.Workshop
	past        past
}

// Notes describe the number and size of the items for users, and what is unknown.
func (p *Plan) Notes() left4me.Notes {
	var bytes int64
	for _, it := range p.items {
		if it.wanted() {
			bytes += it.facts.Size
		}
	}
	notes := left4me.Notes{left4me.NewNote("workshop.items", "count", len(p.items), "size", left4me.Bytes(bytes))}
	if !p.note.IsZero() {
		notes = append(notes, p.note)
	}
	return notes
}

// item is one item of a plan.
type item struct {
	id    string
	facts steam.PublishedFile
	state left4me.WorkshopState
	disk  string // location of its file; empty if not available yet
}

// wanted reports whether the item can be downloaded.
func (it *item) wanted() bool { return it.facts.Outcome == steam.Available && it.state.State == "" }

// ask creates a plan.
func (s *Source) ask(ctx context.Context, c *steam.Client, w left4me.Workshop, before *Before) (*Plan, error) {
	p := &Plan{names: w.Names, past: before.past()}
	tree, asked := s.expand(ctx, c, w)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if asked != nil {
		if tree = remembered(w, p.past); tree == nil || errors.Is(asked, steam.ErrTooMany) {
			return nil, steamFailure(asked)
		}
	}
	files := map[string]steam.PublishedFile{}
	if asked == nil {
		ids := slices.Clone(tree.Items)
		for id := range tree.Collections {
			ids = append(ids, id)
		}
		slices.Sort(ids[len(tree.Items):])
		files, asked = s.known.publishedFiles(ctx, c, ids)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if asked != nil && before == nil && len(files) == 0 {
			return nil, steamFailure(asked)
		}
	}
	if asked != nil {
		p.note = left4me.NewNote("workshop.incomplete", "reason", unanswered(asked))
	}
	for _, id := range order(w, tree) {
		p.collections = append(p.collections, collectionState(id, files[id], tree))
	}
	excluded := make(map[left4me.WorkshopID]bool, len(w.Exclude))
	for _, id := range w.Exclude {
		excluded[id] = true
	}
	for _, id := range tree.Items {
		p.items = append(p.items, newItem(id, files, tree, excluded, asked, p.past))
	}
	return p, nil
}

// expand resolves the collections of an overlay, except for frozen ones.
func (s *Source) expand(ctx context.Context, c *steam.Client, w left4me.Workshop) (*steam.Tree, error) {
	var ids []string
	frozen := map[string][]steam.Child{}
	for _, e := range w.Entries {
		ids = append(ids, string(e.ID))
		for _, id := range e.Frozen {
			frozen[string(e.ID)] = append(frozen[string(e.ID)], steam.Child{ID: string(id)})
		}
	}
	return steam.Expand(ctx, ids, func(ctx context.Context, ids []string) (map[string][]steam.Child, error) {
		rest := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return frozen[id] != nil })
		found, err := map[string][]steam.Child{}, error(nil)
		if len(rest) > 0 {
			found, err = s.known.collectionsOf(ctx, c, rest)
		}
		for _, id := range ids {
			if frozen[id] != nil {
				found[id] = frozen[id]
			}
		}
		return found, err
	})
}

// remembered rebuilds the tree from the current revision; nil if one of the entries is new.
func remembered(w left4me.Workshop, before past) *steam.Tree {
	t := &steam.Tree{Collections: map[string][]steam.Child{}, Through: map[string][]string{}}
	seen := map[string]bool{}
	add := func(id string) {
		if !seen[id] {
			seen[id] = true
			t.Items = append(t.Items, id)
		}
	}
	for _, e := range w.Entries {
		id := string(e.ID)
		old, ok := before.states[id]
		children := e.Frozen
		if len(children) == 0 && ok && old.State == left4me.ItemCollection {
			children = beneath(before, e.ID)
		}
		switch {
		case len(children) > 0:
			for _, c := range children {
				t.Collections[id] = append(t.Collections[id], steam.Child{ID: string(c)})
				t.Through[string(c)] = append(t.Through[string(c)], id)
				add(string(c))
			}
		case ok && old.State != left4me.ItemCollection:
			add(id)
		default:
			return nil
		}
	}
	return t
}

// beneath returns the items that came through a collection, including nested ones.
func beneath(before past, id left4me.WorkshopID) (ids []left4me.WorkshopID) {
	for _, s := range before.states {
		if slices.Contains(s.Collections, id) {
			ids = append(ids, s.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// order returns the collections of a tree: first those among the entries, then nested ones.
func order(w left4me.Workshop, t *steam.Tree) []string {
	var first, rest []string
	asked := map[string]bool{}
	for _, e := range w.Entries {
		if id := string(e.ID); t.Collections[id] != nil && !asked[id] {
			first, asked[id] = append(first, id), true
		}
	}
	for id := range t.Collections {
		if !asked[id] {
			rest = append(rest, id)
		}
	}
	slices.Sort(rest)
	return append(first, rest...)
}

func collectionState(id string, f steam.PublishedFile, t *steam.Tree) left4me.WorkshopState {
	st := left4me.WorkshopState{
		ID:        left4me.WorkshopID(id),
		Title:     f.Title,
		State:     left4me.ItemCollection,
		Picture:   f.Picture,
		UpdatedAt: f.UpdatedAt,
	}
	var deep []string
	for _, c := range t.Collections[id] {
		st.Children = append(st.Children, left4me.WorkshopID(c.ID))
		if slices.Contains(t.TooDeep, c.ID) {
			deep = append(deep, c.ID)
		}
	}
	if len(deep) > 0 {
		st.SetNotes(left4me.NewNote("workshop.too_deep", "collections", strings.Join(deep, ", "), "depth", steam.MaxDepth))
	}
	return st
}

// newItem creates an item from the known facts.
func newItem(id string, files map[string]steam.PublishedFile, t *steam.Tree, excluded map[left4me.WorkshopID]bool, asked error,
	before past,
) *item {
	f, ok := files[id]
	if !ok {
		f = steam.PublishedFile{ID: id, Outcome: steam.Throttled}
		if asked != nil && !errors.Is(asked, steam.ErrBusy) {
			f.Outcome = steam.Unclear
		}
	}
	it := &item{id: id, facts: f, state: left4me.WorkshopState{
		ID: left4me.WorkshopID(id), Title: f.Title, Size: f.Size, UpdatedAt: f.UpdatedAt, Picture: f.Picture, Tags: f.Tags,
	}}
	for _, c := range t.Through[id] {
		it.state.Collections = append(it.state.Collections, left4me.WorkshopID(c))
	}
	if old, ok := before.states[id]; ok && it.state.Title == "" {
		it.state.Title, it.state.Picture, it.state.Tags = old.Title, old.Picture, old.Tags
	}
	if excluded[it.state.ID] {
		it.state.State = left4me.ItemExcluded
		return it
	}
	var why left4me.Note
	it.state.State, why = outcome(f)
	switch {
	case !ok && f.Outcome == steam.Unclear:
		why = left4me.NewNote("text.problem", "error", unanswered(asked))
	case it.wanted() && f.Size > largest:
		it.state.State, why = left4me.ItemFailed, left4me.NewNote("workshop.too_large", "size", left4me.Bytes(f.Size))
	}
	if !why.IsZero() {
		it.state.SetNotes(why)
	}
	return it
}

// outcome translates Steam's result for an item into a state and a reason; both empty if the item can be
// downloaded.
func outcome(f steam.PublishedFile) (state string, why left4me.Note) {
	switch f.Outcome {
	case steam.Available:
		return "", left4me.Note{}
	case steam.Missing:
		return left4me.ItemDeleted, left4me.NewNote("workshop.state_deleted")
	case steam.Private:
		return left4me.ItemPrivate, left4me.NewNote("workshop.state_private")
	case steam.Banned:
		return left4me.ItemBanned, left4me.NewNote("workshop.state_banned")
	case steam.NoFile:
		return left4me.ItemNoFile, left4me.NewNote("workshop.state_no_file")
	case steam.WrongApp:
		return left4me.ItemWrongApp, left4me.NewNote("workshop.state_other_game", "app", f.App)
	case steam.Throttled:
		return left4me.ItemThrottled, left4me.NewNote("workshop.state_rate_limited")
	}
	switch f.Why {
	case steam.NotListed:
		return left4me.ItemFailed, left4me.NewNote("workshop.not_in_answer")
	case steam.NotAnID:
		return left4me.ItemFailed, left4me.NewNote("workshop.not_an_id")
	case steam.OtherResult:
		return left4me.ItemFailed, left4me.NewNote("workshop.other_result", "result", f.Result)
	}
	return left4me.ItemFailed, left4me.NewNote("workshop.unreadable_answer")
}

// unanswered explains why Steam can't be asked, without addresses and status codes.
func unanswered(err error) *left4me.Error {
	switch {
	case errors.Is(err, steam.ErrBusy):
		return left4me.NewError(left4me.Unavailable, "steam.busy").Because(err)
	case errors.Is(err, steam.ErrUnreachable), errors.Is(err, context.DeadlineExceeded):
		return left4me.NewError(left4me.Unavailable, "steam.unreachable").Because(err)
	case errors.Is(err, steam.ErrAnswer):
		return left4me.NewError(left4me.Unavailable, "steam.not_steam").Because(err)
	}
	return left4me.NewError(left4me.Unavailable, "steam.not_asked").Because(err)
}

func steamFailure(err error) *left4me.Error {
	if errors.Is(err, steam.ErrTooMany) {
		return left4me.NewError(left4me.Invalid, "steam.collections_too_deep", "reason", err.Error()).InField("workshop").Because(err)
	}
	return unanswered(err)
}
