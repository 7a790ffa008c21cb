package servers

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/jobs"
	"github.com/left4me/left4me/internal/web/page"
)

const (
	historyJobs    = 50
	historyCrashes = 20
)

// crash is a death of a server that nobody asked for.
type crash struct {
	At     time.Time
	Exit   string
	Uptime time.Duration
	Lines  []string
}

// historyView is what was done with a server, and how it died.
func (p *Pages) historyView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	s, err := p.serverPage(r, who, name, "history")
	if err != nil {
		return page.View{}, err
	}
	all, err := p.Jobs.List(r.Context(), "server", s.Name, historyJobs)
	if err != nil {
		return page.View{}, err
	}
	for i := range all {
		all[i] = jobs.For(who, all[i])
	}
	rows := jobs.RowParts(all, false)
	jobs := page.NewPart("server-jobs", serverJobs(rows), page.OnServer(s.Name))
	jobs.Rows = rows
	crashes := page.LazyPart("server-crashes", func(ctx context.Context) (templ.Component, error) {
		found, err := p.Servers.Crashes(ctx, s.Name, historyCrashes)
		all := make([]crash, len(found))
		for i, c := range found {
			all[i] = crash{At: c.At, Exit: c.Exit, Uptime: c.Uptime, Lines: slices.Clone(c.Lines)}
			for n, l := range c.Lines {
				all[i].Lines[n] = page.TextFor(who, s.Target())(l)
			}
		}
		return serverCrashes(all), err
	}, page.OnServer(s.Name))
	return p.serverView(r, who, s, jobs, crashes), nil
}
