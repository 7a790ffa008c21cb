package doctor

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// doctorView returns the page with the checks of the default host.
func (p *Pages) doctorView(r *http.Request, who accounts.Actor) (page.View, error) {
	host := p.Hosts.Default()
	checks := page.LazyPart("checks", func(ctx context.Context) (templ.Component, error) {
		checks, err := p.Hosts.Doctor(ctx, host)
		return doctorChecks(host, checks), err
	}, page.OnDisk(), page.OnRunning()).Later()
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "page.menu.doctor"), "doctor")
	return page.View{Frame: f, Body: []page.Piece{page.Fixed(doctorHead()), checks}}, nil
}

// health returns colour, icon and label of the badge that sums up the checks of a host.
func health(ctx context.Context, checks []left4me.Check) (tone, icon, label string) {
	first, wrong := left4me.FirstWrong(checks)
	switch {
	case !wrong:
		return "good", "check", locale.T(ctx, "doctor.health.ok")
	case first.State == left4me.CheckBroken:
		return "bad", "failed", locale.T(ctx, "doctor.health.broken")
	}
	return "warn", "unresponsive", locale.T(ctx, "doctor.health.warn")
}
