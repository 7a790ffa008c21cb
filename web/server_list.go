package web

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/control/accounts"
	"github.com/left4me/left4me/control/servers"
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

func (p *panel) listServers(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	list, err := p.serverList(r, who)
	if err != nil {
		return err
	}
	html, err := fragment(r.Context(), serverTable(list))
	if err != nil {
		return err
	}
	f := p.frame(r, who, "Servers", "servers")
	f.Live = "/servers/live?" + url.Values{"q": {list.Filter}, "have": {digest(html)}}.Encode()
	return p.render(w, r, http.StatusOK, serversPage(f, list, p.gameSaid(), templ.Raw(string(html))))
}

func (p *panel) serverList(r *http.Request, who accounts.Actor) (serverList, error) {
	all, err := p.Servers.List(r.Context())
	if err != nil {
		return serverList{}, err
	}
	list := serverList{Servers: all, Filter: r.URL.Query().Get("q"), May: mayOf(who)}
	if len(all) == 0 {
		list.First = p.firstRun(r.Context())
	}
	return list, nil
}

func (p *panel) firstRun(ctx context.Context) firstRun {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	overlays, err := p.Content.Overlays(ctx)
	return firstRun{HostAnswers: err == nil, Overlays: len(overlays), Installed: p.gameSaid().Current > 0}
}

// followServers sends a row when it changes, and the whole list when a server
// came or went.
func (p *panel) followServers(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	return p.stream(w, r, p.noticeFeed, func(ctx context.Context, send func(event)) error {
		changes := p.Servers.Watch(ctx) // before reading, so that nothing falls between
		have := sent{"": r.URL.Query().Get("have")}
		if err := p.sendServers(ctx, r, who, have, send); err != nil {
			return err
		}
		for name := range changes {
			v, err := p.Servers.Get(ctx, name)
			if err != nil || have[string(name)] == "" {
				if err := p.sendServers(ctx, r, who, have, send); err != nil {
					return err
				}
				continue
			}
			e, fresh, err := have.fresh(ctx, string(name), serverRow(v, mayOf(who), false))
			if err != nil {
				return err
			}
			if fresh {
				send(e)
			}
		}
		return nil
	})
}

// sendServers sends the whole list unless the browser has it.
func (p *panel) sendServers(ctx context.Context, r *http.Request, who accounts.Actor, have sent, send func(event)) error {
	list, err := p.serverList(r, who)
	if err != nil {
		return err
	}
	e, fresh, err := have.fresh(ctx, "", serverTable(list))
	if err != nil {
		return err
	}
	if fresh {
		send(e)
	}
	whole := have[""]
	clear(have)
	have[""] = whole
	for _, v := range list.Servers {
		if _, _, err := have.fresh(ctx, string(v.Name), serverRow(v, list.May, false)); err != nil {
			return err
		}
	}
	return nil
}
