package revisions

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// builder returns a page of the overlay with that name.
type builder func(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error)

// detailView returns the builder of a page about one revision, whose part id is rendered by
// show. The query of the address may name the revision; the default is the current one.
func (p *Pages) detailView(tab, id string, show func(overlay.Page, left4me.Revision) templ.Component) builder {
	return func(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
		o, err := p.Overlay.Page(r, who, name, tab)
		if err != nil {
			return page.View{}, err
		}
		n, err := overlay.WantedRevision(r)
		if err != nil {
			return page.View{}, err
		}
		return p.Overlay.View(r, who, o, page.LazyPart(id, func(ctx context.Context) (templ.Component, error) {
			rev, err := p.Overlay.Detailed(ctx, &o, n)
			return show(o, rev), err
		}, page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))), nil
	}
}

// fixable returns the number of warnings that repairing texts removes.
func fixable(all []left4me.Warning) (n int) {
	for _, w := range all {
		if w.Fix {
			n++
		}
	}
	return n
}

// mayRepair reports whether the user may repair texts of a revision. Only the current
// revision can be repaired.
func mayRepair(o overlay.Page, r left4me.Revision) bool {
	return o.May(accounts.Content).Act && r.Number == o.Content.Current
}
