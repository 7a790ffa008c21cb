package web

import (
	"context"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
)

// serverList is what the list shows.
type serverList struct {
	Servers []servers.View
	Filter  string
	May     may
	First   firstRun // only while there are no servers
}

// firstRun is how far somebody is who sees left4me for the first time.
type firstRun struct {
	HostAnswers bool
	Overlays    int
	Installed   bool
}

// serversView is the list of servers.
func (p *panel) serversView(r *http.Request, who accounts.Actor) (view, error) {
	all, err := p.Servers.List(r.Context())
	if err != nil {
		return view{}, err
	}
	list := serverList{Servers: all, Filter: r.URL.Query().Get("q"), May: mayOf(who)}
	rows := make([]*part, len(all))
	for i, v := range all {
		rows[i] = showing("server-"+string(v.Name), serverRow(v, list.May, !matches(v, list.Filter)), onServer(v.Name))
	}
	table := lazy("servers", func(ctx context.Context) (templ.Component, error) {
		if len(all) == 0 {
			list.First = p.firstRun(ctx)
		}
		return serverTable(list, rows), nil
	}, onServers(), onGame(), onContent())
	table.rows = rows
	return view{frame: p.frame(r, who, "Servers", "servers"), body: []piece{
		showing("servers-head", serversHead(list), onServers()), showing("game-notice", gameNotice(p.gameSaid()), onGame()), table,
	}}, nil
}

func (p *panel) firstRun(ctx context.Context) firstRun {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	overlays, err := p.Content.Names(ctx)
	return firstRun{HostAnswers: err == nil, Overlays: len(overlays), Installed: p.gameSaid().Current > 0}
}
