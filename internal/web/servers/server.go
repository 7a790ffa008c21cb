package servers

import (
	"context"
	"errors"
	"net/http"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	controlbulk "github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/jobs"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/servers/bulk"
	"github.com/left4me/left4me/internal/web/servers/deleted"
)

// tabs are the keys and paths of the tabs of a server's page.
var tabs = []struct{ key, path string }{
	{"status", ""}, {"console", "/console"}, {"settings", "/settings"}, {"files", "/files"}, {"history", "/history"},
}

// builder makes a page of the server that its URL names.
type builder func(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error)

// serverPage is the data of a server's pages.
type serverPage struct {
	servers.View
	Job *left4me.Job // the current or else the latest job; nil if there is none
	May page.Rights  // rights on the server
	who accounts.Actor
	Tab string
}

// jobIsNewer reports whether the latest job has a reason and was requested after the server entered its state.
// The page then shows the reason of the job and not that of the state.
func (s serverPage) jobIsNewer() bool {
	return s.Job != nil && !s.Job.Reason.IsZero() && s.Job.CreatedAt.After(s.Status.Since)
}

// visible returns a server without hidden details: the reasons for its state and for the failure
// of its latest job do not name objects that the user may not see.
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
	if errors.Is(err, left4me.NotFound) {
		was, unknown := p.Servers.Deleted().Find(r.Context(), string(name))
		if unknown == nil && was.Name == name && page.Sees(who, was.Target()) {
			err = left4me.NewError(left4me.NotFound, "server.restorable", "server", name)
		}
	}
	if err != nil {
		return serverPage{}, err
	}
	v = visible(who, v)
	s := serverPage{
		View: v,
		Job:  v.Job,
		May:  page.RightsOn(who, left4me.OnServer(name)),
		who:  who,
		Tab:  tab,
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

// serverView returns a page of a server with the given body.
func (p *Pages) serverView(r *http.Request, who accounts.Actor, s serverPage, body ...page.Piece) page.View {
	around := []page.Piece{
		page.Fixed(serverCrumbs()), page.NewPart("server-head", serverHead(s), page.OnServer(s.Name)),
		page.LazyPart("server-waits", waits(p.Bulk, s), page.OnServer(s.Name), page.OnBulk()),
		page.Fixed(serverTabs(s)),
	}
	if r.URL.Query().Has("created") {
		around = append(around, p.Create.Note(s.Name))
	}
	if note := deleted.RestoredNote(r.URL.Query(), s.Server); note != nil {
		around = append(around, page.Fixed(note))
	}
	return page.View{Frame: p.Panel.Frame(r, who, string(s.Name), "servers"), Body: append(around, body...)}
}

// statusView shows the state, map, players and latest job of a server.
func (p *Pages) statusView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	s, err := p.serverPage(r, who, name, "status")
	if err != nil {
		return page.View{}, err
	}
	on := page.OnServer(s.Name)
	v := p.serverView(r, who, s, page.Columns(
		page.Pieces(p.pendingPart(s), lastCrashPart(p, who, s), page.NewPart("server-facts", serverFacts(s), on),
			page.NewPart("server-players", serverPlayers(s), on)),
		page.Pieces(page.NewPart("server-job", serverJob(s), on), page.Fixed(serverDanger(s))),
	))
	v.Moving = s.View.Job != nil
	return v, nil
}

// sees reports whether the user may see an object that the server refers to.
func (s serverPage) sees(target left4me.Target) bool { return page.Sees(s.who, target) }

// runsWith returns the overlays that the server runs with, or else those it would be started with.
func (s serverPage) runsWith() []left4me.OverlayRef {
	if s.Status.State.Up() && s.Status.Build > 0 {
		return s.Status.Overlays
	}
	return s.View.Stack()
}

// hostnameOf returns the name of the server that players see.
func hostnameOf(v servers.View) string {
	if v.Status.Hostname != "" {
		return v.Status.Hostname
	}
	return v.Settings.Hostname
}

// waits returns the component that shows what a server waits for.
func waits(b *controlbulk.Bulk, s serverPage) func(ctx context.Context) (templ.Component, error) {
	return func(ctx context.Context) (templ.Component, error) {
		acts, err := bulk.ActsFor(ctx, b, s.who, []servers.View{s.View})
		return serverWaits(s, acts), err
	}
}
