package web

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
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
	if s.Job != nil {
		job := jobFor(who, *s.Job)
		s.Job = &job
	}
	return s, nil
}

// serverView is a page of a server, with what stands on each of them.
func (p *panel) serverView(r *http.Request, who accounts.Actor, s serverPage, body ...piece) view {
	around := []piece{fixed(serverCrumbs()), showing("server-head", serverHead(s), onServer(s.Name)), fixed(serverTabs(s))}
	return view{frame: p.frame(r, who, string(s.Name), "servers"), body: append(around, body...)}
}

// serverLive shows what a server does.
func (p *panel) serverLive(r *http.Request, who accounts.Actor) (view, error) {
	s, err := p.serverPage(r, who, "live")
	if err != nil {
		return view{}, err
	}
	on := onServer(s.Name)
	v := p.serverView(r, who, s, columns(
		pieces(showing("server-facts", serverFacts(s), on), showing("server-players", serverPlayers(s), on)),
		pieces(showing("server-job", serverJob(s), on), fixed(serverDanger(s))),
	))
	v.Moving = s.View.Job != nil
	return v, nil
}
