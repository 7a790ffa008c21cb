package workshop

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// itemBadges are the badges of the states of workshop items.
var itemBadges = map[string]struct {
	tone, icon string
	word       locale.Message
}{
	left4me.ItemFresh:      {"good", "check", locale.M("overlays.items.state.fresh")},
	left4me.ItemReady:      {"good", "check", locale.M("overlays.items.state.ready")},
	left4me.ItemKept:       {"good", "check", locale.M("overlays.items.state.kept")},
	left4me.ItemCollection: {"idle", "overlays", locale.M("overlays.items.state.collection")},
	left4me.ItemPrivate:    {"bad", "failed", locale.M("overlays.items.state.private")},
	left4me.ItemDeleted:    {"bad", "failed", locale.M("overlays.items.state.deleted")},
	left4me.ItemBanned:     {"bad", "failed", locale.M("overlays.items.state.banned")},
	left4me.ItemNoFile:     {"bad", "failed", locale.M("overlays.items.state.no_file")},
	left4me.ItemWrongApp:   {"bad", "failed", locale.M("overlays.items.state.wrong_app")},
	left4me.ItemThrottled:  {"warn", "unresponsive", locale.M("overlays.items.state.throttled")},
	left4me.ItemFailed:     {"bad", "failed", locale.M("overlays.items.state.failed")},
	left4me.ItemExcluded:   {"idle", "skipped", locale.M("overlays.items.state.excluded")},
}

// itemHints explain states of items and what to do about them.
var itemHints = map[string]locale.Message{
	left4me.ItemPrivate:   locale.M("overlays.items.hint.private"),
	left4me.ItemDeleted:   locale.M("overlays.items.hint.deleted"),
	left4me.ItemBanned:    locale.M("overlays.items.hint.banned"),
	left4me.ItemNoFile:    locale.M("overlays.items.hint.no_file"),
	left4me.ItemWrongApp:  locale.M("overlays.items.hint.wrong_app"),
	left4me.ItemThrottled: locale.M("overlays.items.hint.throttled"),
}

// item is a workshop item or a collection on a page.
type item struct {
	left4me.WorkshopState
	Known    bool // whether its state is known
	Frozen   bool
	Excluded bool
	Items    []item // items of a collection
}

// usable reports whether an item can be downloaded, or its state is not known yet.
func (i item) usable() bool {
	switch i.State {
	case "", left4me.ItemReady, left4me.ItemFresh, left4me.ItemKept, left4me.ItemCollection, left4me.ItemThrottled, left4me.ItemExcluded:
		return true
	}
	return false
}

// itemsView is the list of the items and collections of an overlay.
type itemsView struct {
	Items    []item
	Excluded int
	Wrong    int // number of items that cannot be downloaded
	Bytes    int64
}

// itemsOf returns the entries of a workshop overlay with their known states. Bytes and Wrong
// count each item once.
func itemsOf(w *left4me.Workshop, states []left4me.WorkshopState) (v itemsView) {
	if w == nil {
		return v
	}
	known := make(map[left4me.WorkshopID]left4me.WorkshopState, len(states))
	for _, s := range states {
		known[s.ID] = s
	}
	excluded := make(map[left4me.WorkshopID]bool, len(w.Exclude))
	for _, id := range w.Exclude {
		excluded[id] = true
	}
	one := func(id left4me.WorkshopID) item {
		s, ok := known[id]
		s.ID = id
		return item{WorkshopState: s, Known: ok, Excluded: excluded[id]}
	}
	counted := map[left4me.WorkshopID]bool{}
	tally := func(i item) {
		if !counted[i.ID] && !i.Excluded {
			counted[i.ID] = true
			v.Bytes += i.Size
			if !i.usable() {
				v.Wrong++
			}
		}
	}
	// leaves returns the items of a collection and of its nested collections, each once.
	var leaves func(id left4me.WorkshopID, seen map[left4me.WorkshopID]bool) []item
	leaves = func(id left4me.WorkshopID, seen map[left4me.WorkshopID]bool) (all []item) {
		for _, c := range known[id].Children {
			if seen[c] {
				continue
			}
			seen[c] = true
			if known[c].State == left4me.ItemCollection {
				all = append(all, leaves(c, seen)...)
				continue
			}
			all = append(all, one(c))
		}
		return all
	}
	for _, e := range w.Entries {
		i := one(e.ID)
		i.Frozen = len(e.Frozen) > 0
		switch {
		case i.Frozen:
			for _, id := range e.Frozen {
				i.Items = append(i.Items, one(id))
			}
		case i.State == left4me.ItemCollection:
			i.Items = leaves(e.ID, map[left4me.WorkshopID]bool{e.ID: true})
		}
		tally(i)
		for _, c := range i.Items {
			tally(c)
		}
		v.Items = append(v.Items, i)
	}
	v.Excluded = len(w.Exclude)
	return v
}

// itemsTyped holds the typed values of the form that adds items.
type itemsTyped struct {
	Items    string
	Problems page.Problems
}

// itemsView returns the page with the items of a workshop overlay.
func (p *Pages) itemsView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	return p.itemsWith(r, who, name, itemsTyped{})
}

func (p *Pages) itemsWith(r *http.Request, who accounts.Actor, name left4me.Name, form itemsTyped) (page.View, error) {
	o, err := p.Overlay.Page(r, who, name, "items")
	if err != nil {
		return page.View{}, err
	}
	if o.Kind != left4me.WorkshopOverlay {
		return page.View{}, page.ErrNoPage
	}
	view := p.Overlay.View(r, who, o, page.Fixed(itemsForm(o, form)),
		page.LazyPart("items-list", func(ctx context.Context) (templ.Component, error) {
			rev, err := p.Overlay.Detailed(ctx, &o, 0)
			return itemList(o, itemsOf(o.Workshop, rev.Items)), err
		}, page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun())))
	view.At, view.Pictures = page.OverlayPath(o.Name, "/items"), true
	return view, nil
}

// changeWorkshop changes the items of a workshop overlay. If another user saves the overlay at
// the same time, changeWorkshop applies the change to the newer definition, since adding or
// removing items does not depend on other settings.
func (p *Pages) changeWorkshop(ctx context.Context, who accounts.Actor, name left4me.Name, change func(*left4me.Workshop)) error {
	for tries := 0; ; tries++ {
		v, err := p.Overlays.Get(ctx, name)
		if err != nil {
			return err
		}
		if v.Kind != left4me.WorkshopOverlay {
			return page.ErrNoPage
		}
		w := left4me.Workshop{}
		if v.Workshop != nil {
			w = *v.Workshop
		}
		w.Entries, w.Exclude = slices.Clone(w.Entries), slices.Clone(w.Exclude)
		change(&w)
		v.Overlay.Workshop = &w
		_, err = p.Overlays.Update(ctx, who.Cause(), v.Overlay)
		if errors.Is(err, left4me.Conflict) && tries < 3 {
			continue
		}
		return err
	}
}

// changeItem does one thing with one entry or item.
func (p *Pages) changeItem(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	id := left4me.WorkshopID(r.PostForm.Get("id"))
	entry := func(e left4me.WorkshopEntry) bool { return e.ID == id }
	var change func(*left4me.Workshop)
	var err error
	switch r.PostForm.Get("do") {
	case "remove":
		change = func(ws *left4me.Workshop) { ws.Entries = slices.DeleteFunc(ws.Entries, entry) }
	case "exclude":
		change = func(ws *left4me.Workshop) {
			if !slices.Contains(ws.Exclude, id) {
				ws.Exclude = append(ws.Exclude, id)
			}
		}
	case "include":
		change = func(ws *left4me.Workshop) {
			ws.Exclude = slices.DeleteFunc(ws.Exclude, func(o left4me.WorkshopID) bool { return o == id })
		}
	case "freeze", "follow":
		var frozen []left4me.WorkshopID
		if r.PostForm.Get("do") == "freeze" {
			if frozen, err = p.membersOf(r.Context(), id); err != nil {
				return err
			}
		}
		change = func(ws *left4me.Workshop) {
			if i := slices.IndexFunc(ws.Entries, entry); i >= 0 {
				ws.Entries[i].Frozen = frozen
			}
		}
	default:
		return page.ErrNoPage
	}
	if err := p.changeWorkshop(r.Context(), who, name, change); err != nil {
		return err
	}
	http.Redirect(w, r, page.OverlayPath(name, "/items"), http.StatusSeeOther)
	return nil
}

// membersOf returns the items that a collection has now. Errors: left4me.Unavailable.
func (p *Pages) membersOf(ctx context.Context, id left4me.WorkshopID) ([]left4me.WorkshopID, error) {
	w := left4me.Workshop{Entries: []left4me.WorkshopEntry{{ID: id}}}
	states, err := p.Overlays.LookUp(ctx, w)
	if err != nil {
		return nil, err
	}
	var ids []left4me.WorkshopID
	for _, i := range itemsOf(&w, states).Items {
		for _, c := range i.Items {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) == 0 {
		return nil, left4me.NewError(left4me.Invalid, "workshop.collection_empty")
	}
	return ids, nil
}
