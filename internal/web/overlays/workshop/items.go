package workshop

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// itemWords are what a state of a workshop item is called, and how it looks.
var itemWords = map[string]struct{ tone, icon, word string }{
	left4me.ItemFresh:      {"good", "check", "downloaded"},
	left4me.ItemReady:      {"good", "check", "can be had"},
	left4me.ItemKept:       {"good", "check", "up to date"},
	left4me.ItemCollection: {"idle", "overlays", "collection"},
	left4me.ItemPrivate:    {"bad", "failed", "private"},
	left4me.ItemDeleted:    {"bad", "failed", "deleted"},
	left4me.ItemBanned:     {"bad", "failed", "banned"},
	left4me.ItemNoFile:     {"bad", "failed", "no file"},
	left4me.ItemWrongApp:   {"bad", "failed", "another game"},
	left4me.ItemThrottled:  {"warn", "unresponsive", "Steam is busy"},
	left4me.ItemFailed:     {"bad", "failed", "failed"},
	left4me.ItemExcluded:   {"idle", "skipped", "left out"},
}

// itemHints say what a state means for whoever wants the item.
var itemHints = map[string]string{
	left4me.ItemPrivate:   "Its author shows it to friends only: ask them to make it public.",
	left4me.ItemDeleted:   "Steam has no such item any more, or never had.",
	left4me.ItemBanned:    "Valve took it out of the workshop.",
	left4me.ItemNoFile:    "Steam gives no address for its file. Upload the file yourself if you have it.",
	left4me.ItemWrongApp:  "It is for another game than Left 4 Dead 2.",
	left4me.ItemThrottled: "Steam answers too many requests for now. The version that is there stays in use; the next update tries again.",
}

// item is a workshop item or a collection on a page.
type item struct {
	left4me.WorkshopState
	Known    bool // somebody said something of it
	Frozen   bool
	Excluded bool
	Items    []item // of a collection
}

// usable reports whether an item can be downloaded, as far as it is known.
func (i item) usable() bool {
	switch i.State {
	case "", left4me.ItemReady, left4me.ItemFresh, left4me.ItemKept, left4me.ItemCollection, left4me.ItemThrottled, left4me.ItemExcluded:
		return true
	}
	return false
}

// itemsView is the list of what somebody added.
type itemsView struct {
	Items    []item
	Excluded int
	Wrong    int // how many of all can't be had
	Bytes    int64
}

// itemsOf puts together what was added and what is known of it.
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
	// leaves are the items of a collection and of those in it, each once.
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

// itemsTyped is the form for more items as it was typed.
type itemsTyped struct {
	Items    string
	Problems page.Problems
}

// itemsView is what is in a workshop overlay.
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

// changeWorkshop changes what is in a workshop overlay. Such a change means the
// same whoever else changed something, so it goes on top of that.
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

// membersOf are the items that a collection has now. Errors: left4me.Unavailable.
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
