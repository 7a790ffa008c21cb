package workshop

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// pasteItems reads the pasted ids and addresses and redirects to the page that shows the
// items.
func (p *Pages) pasteItems(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	form := itemsTyped{Items: r.PostForm.Get("items")}
	ids, err := Pasted(form.Items)
	if err == nil && len(ids) == 0 {
		err = left4me.NewError(left4me.Invalid, "workshop.nothing_pasted").InField("items")
	}
	if wrong, ok := page.ProblemsOf(r.Context(), who, err); ok {
		form.Problems = wrong
		page, err := p.itemsWith(r, who, name, form)
		if err != nil {
			return err
		}
		return p.Panel.Show(w, r, http.StatusUnprocessableEntity, page)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, page.OverlayPath(name, "/items/look?ids=", JoinIDs(ids)), http.StatusSeeOther)
	return nil
}

// checkedItems are the items that the user wants to add, with what Steam reports about them.
type checkedItems struct {
	Items   []item
	Have    map[left4me.WorkshopID]bool // already in the overlay
	Problem string
}

// checkItemsView returns the page that shows details of items before they are added. The page
// is a form, so it is not updated while it is open.
func (p *Pages) checkItemsView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	o, err := p.Overlay.Page(r, who, name, "items")
	if err != nil {
		return page.View{}, err
	}
	if o.Kind != left4me.WorkshopOverlay || o.Workshop == nil {
		return page.View{}, page.ErrNoPage
	}
	ids, err := Pasted(r.URL.Query().Get("ids"))
	if err != nil {
		return page.View{}, err
	}
	page := p.Overlay.View(r, who, o, page.Fixed(page.Deferred(func(ctx context.Context) (templ.Component, error) {
		want := left4me.Workshop{Names: o.Workshop.Names}
		v := checkedItems{Have: map[left4me.WorkshopID]bool{}}
		for _, id := range ids {
			want.Entries = append(want.Entries, left4me.WorkshopEntry{ID: id})
		}
		for _, e := range o.Workshop.Entries {
			v.Have[e.ID] = true
		}
		states, err := p.Overlays.LookUp(ctx, want)
		if e, ok := page.Public(who, err); ok && e.Kind == left4me.Unavailable {
			v.Problem, err = format.ErrorLine(r.Context(), e), nil
		}
		v.Items = itemsOf(&want, states).Items
		return checkedList(o, v), err
	})))
	page.Pictures = true
	return page, nil
}

// addItems adds the selected items and, if the form asks for it, starts a build.
func (p *Pages) addItems(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	ids, err := Pasted(strings.Join(r.PostForm["id"], "\n"))
	if err != nil {
		return err
	}
	build := r.PostForm.Get("build") != "" && len(ids) > 0
	if build { // before anything is added, so that a denied request changes nothing
		if err := page.Allow(who, accounts.Content, left4me.OnOverlay(name)); err != nil {
			return err
		}
	}
	err = p.changeWorkshop(r.Context(), who, name, func(ws *left4me.Workshop) {
		for _, id := range ids {
			if !slices.ContainsFunc(ws.Entries, func(e left4me.WorkshopEntry) bool { return e.ID == id }) {
				ws.Entries = append(ws.Entries, left4me.WorkshopEntry{ID: id})
			}
		}
	})
	if err != nil {
		return err
	}
	if build {
		note := locale.T(r.Context(), "overlays.items.note", "count", len(ids))
		if _, err := p.Overlays.Build(r.Context(), who.Cause(), name, overlays.Request{Note: note}); err != nil {
			return err
		}
	}
	http.Redirect(w, r, page.OverlayPath(name, "/items"), http.StatusSeeOther)
	return nil
}
