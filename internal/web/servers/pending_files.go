package servers

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/page"
)

// pendingView shows the changes that a restart would make to the files of a server.
func (p *files) pendingView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	s, err := p.pages.serverPage(r, who, name, "files")
	if err != nil {
		return page.View{}, err
	}
	list := page.LazyPart("differences", func(ctx context.Context) (templ.Component, error) {
		page, err := p.pages.Servers.Files().Pending(ctx, s.Name, r.URL.Query().Get("after"), filelist.PageSize)
		return differencesOf(r, s, differences{Page: page}, err)
	}, page.OnRun(s.Name), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	return p.pages.serverView(r, who, s, page.Fixed(pendingHead(s)), list), nil
}
