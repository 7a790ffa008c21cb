package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// maxPasted is how many items can be added at once; a collection is one.
const maxPasted = 1000

// newOverlayView lets somebody choose a kind, and shows the form of that kind.
func (p *panel) newOverlayView(r *http.Request, who accounts.Actor) (view, error) {
	q := r.URL.Query()
	form := overlayForm{Kind: q.Get("kind"), Names: "id", Hours: "0", Restart: "never"}
	if left4me.OverlayKind(form.Kind) == left4me.WorkshopOverlay {
		form.Hours = "24"
	}
	if id := q.Get("recipe"); id != "" {
		all, err := recipes(q)
		if err != nil {
			return view{}, err
		}
		i := slices.IndexFunc(all, func(r overlays.Recipe) bool { return r.ID == id })
		if i < 0 {
			return view{}, errNoPage
		}
		form.Name, form.Note, form.Script = all[i].ID, all[i].Title, all[i].Script
	}
	return p.newOverlayWith(r, who, form)
}

func (p *panel) newOverlayWith(r *http.Request, who accounts.Actor, form overlayForm) (view, error) {
	if i := slices.IndexFunc(overlayKinds, func(k overlayKind) bool { return string(k.Kind) == form.Kind }); i < 0 {
		form.Kind = ""
	}
	f := p.frame(r, who, "New overlay", "overlays")
	if left4me.OverlayKind(form.Kind) == left4me.ScriptOverlay {
		f.Scripts = []string{"editor.js"}
	}
	all, err := recipes(r.URL.Query())
	return view{frame: f, body: []piece{fixed(newOverlay(form, all, r.URL.Query().Get("recipe")))}}, err
}

// recipes are those to choose from; the one that was chosen has the values of q.
func recipes(q url.Values) ([]overlays.Recipe, error) {
	all := overlays.Recipes()
	for i, r := range all {
		if q.Get("recipe") != r.ID {
			continue
		}
		values := map[string]string{}
		for _, v := range r.Parameters {
			if q.Has("set-" + v.Name) {
				values[v.Name] = visible(q.Get("set-" + v.Name))
			}
		}
		var err error
		if all[i], err = r.Fill(values); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (p *panel) createOverlay(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	form := readOverlayForm(r.PostForm)
	v, err := form.onto(left4me.Overlay{Name: left4me.Name(form.Name), Kind: left4me.OverlayKind(form.Kind)})
	var ids []left4me.WorkshopID
	if v.Kind == left4me.WorkshopOverlay {
		var wrong error
		ids, wrong = pasted(form.Items)
		err = both(err, wrong)
	}
	if err == nil {
		_, err = p.Content.Create(r.Context(), who.Name, v)
	} else {
		_, wrong := overlays.Check(v)
		err = both(err, wrong)
	}
	if wrong, ok := problemsOf(err); ok {
		form.Problems = gathered(wrong)
		status := http.StatusUnprocessableEntity
		if errors.Is(err, left4me.Conflict) {
			status = http.StatusConflict
		}
		v, err := p.newOverlayWith(r, who, form)
		if err != nil {
			return err
		}
		return p.show(w, r, status, v)
	}
	if err != nil {
		return err
	}
	to := overlayPath(v.Name)
	switch v.Kind {
	case left4me.FilesOverlay:
		to += "/upload"
	case left4me.ScriptOverlay:
		to += "/script"
	case left4me.WorkshopOverlay:
		to += "/items"
		if len(ids) > 0 {
			to += "/look?ids=" + joinIDs(ids)
		}
	default:
		// The first fetch shows at once whether the address is right.
		if _, err := p.Content.Build(r.Context(), who.Name, v.Name, overlays.Request{Note: "first one"}); err != nil {
			return err
		}
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// pasted are the items in a text that somebody pasted. Errors: left4me.Invalid for
// the field "items".
func pasted(text string) ([]left4me.WorkshopID, error) {
	ids, bad := overlays.ParseWorkshop(text)
	switch {
	case len(bad) == 0 && len(ids) == 0 && strings.TrimSpace(text) != "":
		return nil, &left4me.Error{
			Kind:  left4me.Invalid,
			Field: "items",
			Text:  "there is no number and no address of an item in it",
			Hint:  "paste numbers, or addresses with ?id= in them",
		}
	case len(bad) > 0:
		return nil, &left4me.Error{
			Kind:  left4me.Invalid,
			Field: "items",
			Text:  visible(short(bad[0])) + " is no item or collection of the workshop",
			Hint:  "paste numbers, or addresses with ?id= in them",
		}
	case len(ids) > maxPasted:
		return nil, &left4me.Error{
			Kind:  left4me.Invalid,
			Field: "items",
			Text:  count(len(ids), "item is", "items are") + " too many at once",
			Hint:  "add a collection, or 1000 at a time",
		}
	}
	return ids, nil
}

// short is the beginning of a text that somebody else wrote.
func short(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

func joinIDs(ids []left4me.WorkshopID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	return strings.Join(texts, ",")
}

func refreshListed(hours string) bool {
	for _, t := range refreshTimes {
		if t.Value == hours {
			return true
		}
	}
	return false
}
