package blueprints

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// blueprintViews returns the blueprints that the user may see, sorted by name. Each contains the
// servers that use it, without those hidden from the user.
func (p *Pages) blueprintViews(r *http.Request, who accounts.Actor) ([]blueprintView, error) {
	all, err := p.Overlays.Blueprints().List(r.Context())
	if err != nil {
		return nil, err
	}
	servers, err := p.Servers.List(r.Context())
	if err != nil {
		return nil, err
	}
	all = accounts.Visible(who, all, func(b left4me.Blueprint) left4me.Target { return b.Target() })
	views := make([]blueprintView, len(all))
	for i, b := range all {
		views[i].Blueprint = b
		for _, s := range servers {
			if s.Blueprint == b.Name && page.Sees(who, s.Target()) {
				views[i].Servers = append(views[i].Servers, s.Name)
			}
		}
	}
	return views, nil
}

// listView shows the list of blueprints.
func (p *Pages) listView(r *http.Request, who accounts.Actor) (page.View, error) {
	all, err := p.blueprintViews(r, who)
	if err != nil {
		return page.View{}, err
	}
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "blueprints.title"), "blueprints")
	return page.View{
		Frame: f,
		Body:  []page.Piece{page.Fixed(blueprintsHead(mayCreate(who))), page.NewPart("blueprints", blueprintTable(all), onBlueprints()...)},
	}, nil
}

// onBlueprints returns the topics of blueprints and of the servers that use them.
func onBlueprints() []page.Topic { return []page.Topic{page.OnContent(), page.OnDefinitions()} }
