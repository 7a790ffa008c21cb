package servers

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/jobs"
	"github.com/left4me/left4me/internal/web/page"
)

var tabs = []page.Tab{
	{Key: "live", Label: "Live"},
	{Key: "console", Label: "Console", Path: "/console"},
	{Key: "settings", Label: "Settings", Path: "/settings"},
	{Key: "files", Label: "Files", Path: "/files"},
	{Key: "history", Label: "History", Path: "/history"},
}

// builder makes a page of the server that its address names.
type builder func(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error)

// serverPage is a server as its page shows it.
type serverPage struct {
	servers.View
	Job     *left4me.Job // the one under way, or else the last; nil when there never was one
	Address string
	May     page.Rights // on the server
	who     accounts.Actor
	Tab     string
}

// visible is a server as somebody may see it: why it is in its state, and why its last job
// failed, name nothing else that who may not see.
func visible(who accounts.Actor, v servers.View) servers.View {
	if why := accounts.ConcealIn(who, v.Target(), v.Status.Why); why != v.Status.Why {
		v.Status.Explain(why)
	}
	if v.Failed != nil {
		failed := jobs.For(who, *v.Failed)
		v.Failed = &failed
	}
	return v
}

func (p *Pages) serverPage(r *http.Request, who accounts.Actor, name left4me.Name, tab string) (serverPage, error) {
	v, err := p.Servers.Get(r.Context(), name)
	if err != nil {
		return serverPage{}, err
	}
	v = visible(who, v)
	s := serverPage{
		View:    v,
		Job:     v.Job,
		Address: p.connectAddress(r, v),
		May:     page.RightsOn(who, left4me.OnServer(name)),
		who:     who,
		Tab:     tab,
	}
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
		job := jobs.For(who, *s.Job)
		s.Job = &job
	}
	return s, nil
}

// serverView is a page of a server, with what stands on each of them.
func (p *Pages) serverView(r *http.Request, who accounts.Actor, s serverPage, body ...page.Piece) page.View {
	around := []page.Piece{
		page.Fixed(serverCrumbs()), page.NewPart("server-head", serverHead(s), page.OnServer(s.Name)),
		page.Fixed(serverTabs(s)),
	}
	return page.View{Frame: p.Panel.Frame(r, who, string(s.Name), "servers"), Body: append(around, body...)}
}

// statusView shows what a server does.
func (p *Pages) statusView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	s, err := p.serverPage(r, who, name, "live")
	if err != nil {
		return page.View{}, err
	}
	on := page.OnServer(s.Name)
	v := p.serverView(r, who, s, page.Columns(
		page.Pieces(page.NewPart("server-facts", serverFacts(s), on), page.NewPart("server-players", serverPlayers(s), on)),
		page.Pieces(page.NewPart("server-job", serverJob(s), on), page.Fixed(serverDanger(s))),
	))
	v.Moving = s.View.Job != nil
	return v, nil
}

// sees reports whether whoever looks may see something that the server refers to.
func (s serverPage) sees(target left4me.Target) bool { return page.Sees(s.who, target) }

// hostnameOf is what players see as the server's name.
func hostnameOf(v servers.View) string {
	if v.Status.Hostname != "" {
		return v.Status.Hostname
	}
	return v.Settings.Hostname
}
