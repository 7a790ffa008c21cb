package servers

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// conflictsView shows the conflicts between the overlays of a server.
func (p *files) conflictsView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	s, err := p.pages.serverPage(r, who, name, "files")
	if err != nil {
		return page.View{}, err
	}
	list := page.LazyPart("conflicts", func(ctx context.Context) (templ.Component, error) {
		all, err := p.pages.Servers.Files().Clashes(ctx, s.Name)
		problem := ""
		if e, ok := page.Public(s.who, err); ok && (e.Kind == left4me.Unavailable || e.Kind == left4me.NotFound) {
			problem, err = format.ErrorLine(r.Context(), e), nil
		}
		return conflictList(all, problem), err
	}, page.OnRun(s.Name), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	return p.pages.serverView(r, who, s, page.Fixed(conflictsHead(s)), list), nil
}

// redirectToConflicts redirects from the address that the page of conflicts had before.
func (p *files) redirectToConflicts(w http.ResponseWriter, r *http.Request, _ accounts.Actor, name left4me.Name) error {
	http.Redirect(w, r, "/servers/"+string(name)+"/conflicts", http.StatusMovedPermanently)
	return nil
}
