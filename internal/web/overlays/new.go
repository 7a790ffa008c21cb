package overlays

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/overlays/workshop"
	"github.com/left4me/left4me/internal/web/page"
)

// newView returns the page that creates an overlay: the choice of a kind, then the form of
// that kind.
func (p *Pages) newView(r *http.Request, who accounts.Actor) (page.View, error) {
	q := r.URL.Query()
	form := overlayForm{Kind: q.Get("kind"), Names: "id", Hours: "0", Restart: "never"}
	if left4me.OverlayKind(form.Kind) == left4me.WorkshopOverlay {
		form.Hours = "24"
	}
	if id := q.Get("recipe"); id != "" {
		all, err := recipes(q)
		if err != nil {
			return page.View{}, err
		}
		i := slices.IndexFunc(all, func(r overlays.Recipe) bool { return r.ID == id })
		if i < 0 {
			return page.View{}, page.ErrNoPage
		}
		form.Name, form.Note, form.Script = all[i].ID, recipeTitle(r.Context(), all[i].ID), all[i].Script
	}
	return p.newWith(r, who, form)
}

func (p *Pages) newWith(r *http.Request, who accounts.Actor, form overlayForm) (page.View, error) {
	if i := slices.IndexFunc(overlay.Kinds, func(k overlay.Kind) bool { return string(k.Kind) == form.Kind }); i < 0 {
		form.Kind = ""
	}
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "overlays.new.title"), "overlays")
	if left4me.OverlayKind(form.Kind) == left4me.ScriptOverlay {
		f.Scripts = []string{"editor.js"}
	}
	all, err := recipes(r.URL.Query())
	return page.View{Frame: f, Body: []page.Piece{page.Fixed(newOverlay(form, all, r.URL.Query().Get("recipe")))}}, err
}

// create creates an overlay and redirects to the page that adds its content. A form with
// mistakes is shown again.
func (p *Pages) create(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	form := readOverlayForm(r.PostForm)
	v, err := form.onto(left4me.Overlay{Name: left4me.Name(form.Name), Kind: left4me.OverlayKind(form.Kind)})
	if v.Kind == left4me.WorkshopOverlay {
		ids, wrong := workshop.Pasted(form.Items)
		err = page.JoinMistakes(err, wrong)
		for _, id := range ids {
			v.Workshop.Entries = append(v.Workshop.Entries, left4me.WorkshopEntry{ID: id})
		}
	}
	if err == nil {
		_, err = p.Overlays.Create(r.Context(), who.Cause(), v)
	} else {
		_, wrong := overlays.Check(v)
		err = page.JoinMistakes(err, wrong)
	}
	if wrong, ok := page.ProblemsOf(r.Context(), who, err); ok {
		form.Problems = gathered(wrong)
		status := http.StatusUnprocessableEntity
		if errors.Is(err, left4me.Conflict) {
			status = http.StatusConflict
		}
		v, err := p.newWith(r, who, form)
		if err != nil {
			return err
		}
		return p.Panel.Show(w, r, status, v)
	}
	if err != nil {
		return err
	}
	if buildable(v) { // immediately, so that a wrong address or a mistake in a script is reported now
		first := overlays.Request{Note: locale.T(r.Context(), "overlays.new.note")}
		if _, err := p.Overlays.Build(r.Context(), who.Cause(), v.Name, first); err != nil {
			return err
		}
	}
	to := page.OverlayPath(v.Name)
	switch v.Kind {
	case left4me.FilesOverlay:
		to += "/upload"
	case left4me.ScriptOverlay:
		to += "/script"
	case left4me.WorkshopOverlay:
		to += "/items"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// buildable reports whether a new overlay has all inputs of its first build.
func buildable(v left4me.Overlay) bool {
	switch v.Kind {
	case left4me.FilesOverlay:
		return false
	case left4me.ScriptOverlay:
		return v.Script != nil && strings.TrimSpace(v.Script.Text) != ""
	case left4me.WorkshopOverlay:
		return v.Workshop != nil && len(v.Workshop.Entries) > 0
	}
	return true
}

// refreshListed reports whether a number of hours is one of the choices.
func refreshListed(hours string) bool {
	for _, t := range refreshTimes {
		if t.value == hours {
			return true
		}
	}
	return false
}
