package web

import (
	"net/http"
	"time"

	"github.com/left4me/left4me/control/accounts"
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

func (p *panel) showHistory(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	s, err := p.serverPage(r, who, "history")
	if err != nil {
		return err
	}
	jobs, err := p.Jobs.List(r.Context(), "server", s.Name, historyJobs)
	if err != nil {
		return err
	}
	found, err := p.Servers.Crashes(r.Context(), s.Name, historyCrashes)
	if err != nil {
		return err
	}
	crashes := make([]crash, len(found))
	for i, c := range found {
		crashes[i] = crash{At: c.At, Exit: c.Exit, Uptime: c.Uptime, Lines: c.Lines}
	}
	return p.render(w, r, http.StatusOK, serverHistoryPage(p.serverFrame(r, who, s), s, jobs, crashes))
}
