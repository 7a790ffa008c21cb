package servers

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/jobs"
	"github.com/left4me/left4me/internal/web/page"
)

const historyJobs = 50

// historyView shows the jobs and the crashes of a server.
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
	return p.serverView(r, who, s, jobs, p.crashesPart(who, s)), nil
}
