package doctor

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// doctorView is what a machine lacks.
func (p *Pages) doctorView(r *http.Request, who accounts.Actor) (page.View, error) {
	host := p.Hosts.Default()
	checks := page.LazyPart("checks", func(ctx context.Context) (templ.Component, error) {
		checks, err := p.Hosts.Doctor(ctx, host)
		return doctorChecks(host, checks), err
	}, page.OnDisk(), page.OnRunning()).Later()
	return page.View{Frame: p.Panel.Frame(r, who, "Doctor", "doctor"), Body: []page.Piece{page.Fixed(doctorHead()), checks}}, nil
}

// healthWord says how a machine is.
func healthWord(checks []left4me.Check) (tone, icn, word string) {
	first, wrong := left4me.FirstWrong(checks)
	switch {
	case !wrong:
		return "good", "check", "Nothing is wrong"
	case first.State == left4me.CheckBroken:
		return "bad", "failed", "Something is broken"
	}
	return "warn", "unresponsive", "Something could be better"
}
