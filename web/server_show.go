package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/a-h/templ"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/accounts"
	"github.com/left4me/left4me/control/servers"
)

// tab is a part of a server's page with an address of its own.
type tab struct{ Key, Label, Path string }

var tabs = []tab{
	{"live", "Live", ""},
	{"console", "Console", "/console"},
	{"settings", "Settings", "/settings"},
	{"files", "Files", "/files"},
	{"history", "History", "/history"},
}

// serverPage is a server as its page shows it.
type serverPage struct {
	servers.View
	Job     *left4me.Job // the one under way, or else the last; nil when there never was one
	Address string
	May     may
	Tab     string
}

func (p *panel) serverPage(r *http.Request, who accounts.Actor, tab string) (serverPage, error) {
	name, err := pathName(r)
	if err != nil {
		return serverPage{}, err
	}
	v, err := p.Servers.Get(r.Context(), name)
	if err != nil {
		return serverPage{}, err
	}
	s := serverPage{View: v, Job: v.Job, Address: p.connectAddress(r, v), May: mayOf(who), Tab: tab}
	if s.Job == nil {
		last, err := p.Jobs.List(r.Context(), "server", name, 1)
		if err != nil {
			return s, err
		}
		if len(last) > 0 {
			s.Job = &last[0]
		}
	}
	return s, nil
}

func (p *panel) serverFrame(r *http.Request, who accounts.Actor, s serverPage) frame {
	f := p.frame(r, who, string(s.Name), "servers")
	f.Live = "/servers/" + string(s.Name) + "/live?tab=" + s.Tab
	return f
}

func (p *panel) showServer(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	s, err := p.serverPage(r, who, "live")
	if err != nil {
		return err
	}
	f := p.serverFrame(r, who, s)
	f.Moving = s.View.Job != nil
	return p.render(w, r, http.StatusOK, serverLivePage(f, s))
}

// parts are the pieces of a server's page that change while it is open.
func (s serverPage) parts() map[string]templ.Component {
	parts := map[string]templ.Component{"head": serverHead(s)}
	if s.Tab == "live" {
		parts["facts"], parts["players"], parts["job"] = serverFacts(s), serverPlayers(s), serverJob(s)
	}
	return parts
}

// gone sends a page whose server was deleted to the list.
var gone = event{name: "gone", data: []byte("/servers")}

// followServer is the one stream of a server's page: state, players and jobs,
// and the console where that is shown.
func (p *panel) followServer(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	tab := r.URL.Query().Get("tab")
	s, err := p.serverPage(r, who, tab)
	if errors.Is(err, left4me.NotFound) {
		// A page that comes back after its server went would ask for ever.
		return p.stream(w, r, func(_ context.Context, send func(event)) error {
			send(gone)
			return nil
		})
	}
	if err != nil {
		return err
	}
	feeds := []feed{p.serverFeed(r, who, s.Name, tab)}
	if tab == "console" {
		after, err := consolePosition(r)
		if err != nil {
			return err
		}
		feeds = append(feeds, p.consoleFeed(s.Name, after))
	}
	return p.stream(w, r, feeds...)
}

func (p *panel) serverFeed(r *http.Request, who accounts.Actor, name left4me.Name, tab string) feed {
	return func(ctx context.Context, send func(event)) error {
		have := sent{}
		look := func() error {
			s, err := p.serverPage(r, who, tab)
			if err != nil {
				return err
			}
			for key, part := range s.parts() {
				e, fresh, err := have.fresh(ctx, key, part)
				if err != nil {
					return err
				}
				if fresh {
					send(e)
				}
			}
			return nil
		}
		changes := p.Servers.Watch(ctx)
		if err := look(); err != nil {
			return err
		}
		for changed := range changes {
			if changed != name {
				continue
			}
			err := look()
			if errors.Is(err, left4me.NotFound) {
				send(gone)
				return nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}
