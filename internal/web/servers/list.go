package servers

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/game"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/servers/create"
	"github.com/left4me/left4me/internal/web/servers/deleted"
)

// outdated reports whether a newer build of the game is available to a host.
func (p *Pages) outdated() bool {
	return slices.ContainsFunc(p.Hosts.All(), func(host left4me.Name) bool {
		v, _ := p.Game.LastAnswer(host)
		return v.Outdated
	})
}

// serverList is the content of the list of servers.
type serverList struct {
	Servers []servers.View
	Filter  string
	May     page.Permission // permission to create a server
	Game    bool            // whether the page of the game may be seen
	First   create.Progress // set only while the checklist of a new installation is shown
	Steps   bool            // the checklist is shown
}

// targetOf returns the target of a server.
func targetOf(v servers.View) left4me.Target { return v.Target() }

// listView shows the list of servers.
func (p *Pages) listView(r *http.Request, who accounts.Actor) (page.View, error) {
	all, err := p.Servers.List(r.Context())
	if err != nil {
		return page.View{}, err
	}
	all = accounts.Visible(who, all, targetOf)
	list := serverList{
		Servers: all, Filter: r.URL.Query().Get("q"), Game: page.Sees(who, left4me.Site),
		May: create.MayCreate(who),
	}
	rows := make([]*page.Part, len(all))
	for i, v := range all {
		v = visible(who, v)
		rows[i] = page.NewPart("server-"+string(v.Name),
			serverRow(v, page.May(who, accounts.Operate, targetOf(v)), !matches(r.Context(), v, list.Filter)), page.OnServer(v.Name))
	}
	table := page.LazyPart("servers", func(ctx context.Context) (templ.Component, error) {
		if list.Steps = create.Needed(all); list.Steps {
			list.First = p.Create.Progress(ctx, who, all)
		}
		return serverTable(list, rows), nil
	}, page.OnServers(), page.OnGame(), page.OnContent())
	table.Rows = rows
	return page.View{Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "page.menu.servers"), "servers"), Body: []page.Piece{
		page.NewPart("servers-head", serversHead(list), page.OnServers()),
		page.NewPart("game-notice", game.Notice(p.outdated() && list.Game), page.OnGame()), table,
		deleted.Link(p.Servers, who),
	}}, nil
}

// findable returns the text that a server is found by, in lower case.
func findable(ctx context.Context, v servers.View) string {
	m, _ := mapOf(v)
	return strings.ToLower(format.Visible(strings.Join([]string{
		string(v.Name), hostnameOf(v), m, v.Place.Campaign, v.Place.Chapter, stateName(ctx, v.Status.State), strconv.Itoa(v.Port),
		string(v.Blueprint),
	}, " ")))
}

// matches reports whether a server contains all words of a filter.
func matches(ctx context.Context, v servers.View, filter string) bool {
	if filter == "" {
		return true
	}
	text := findable(ctx, v)
	for word := range strings.FieldsSeq(strings.ToLower(filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// anyMatch reports whether any server matches the filter.
func anyMatch(ctx context.Context, l serverList) bool {
	return slices.ContainsFunc(l.Servers, func(v servers.View) bool { return matches(ctx, v, l.Filter) })
}
