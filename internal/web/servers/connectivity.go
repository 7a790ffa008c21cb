package servers

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// reachView shows the connectivity check of a server.
func (p *Pages) reachView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	s, err := p.serverPage(r, who, name, "reach")
	if err != nil {
		return page.View{}, err
	}
	checks := page.LazyPart("checks", func(ctx context.Context) (templ.Component, error) {
		checks, err := servers.ReachFor(ctx, p.Servers, who, s.Name)
		return reachChecks(s, checks), err
	}, page.OnRun(s.Name)).Later()
	return p.serverView(r, who, s, checks), nil
}
