package web

import (
	"net/http"
	"slices"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/newoverlay"
	accountpages "github.com/left4me/left4me/internal/web/accounts"
	backuppages "github.com/left4me/left4me/internal/web/backups"
	"github.com/left4me/left4me/internal/web/blueprints"
	"github.com/left4me/left4me/internal/web/doctor"
	gamepages "github.com/left4me/left4me/internal/web/game"
	"github.com/left4me/left4me/internal/web/help"
	jobpages "github.com/left4me/left4me/internal/web/jobs"
	overlaypages "github.com/left4me/left4me/internal/web/overlays"
	"github.com/left4me/left4me/internal/web/overlays/files"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/overlays/revisions"
	uploadpages "github.com/left4me/left4me/internal/web/overlays/uploads"
	"github.com/left4me/left4me/internal/web/overlays/workshop"
	"github.com/left4me/left4me/internal/web/page"
	serverpages "github.com/left4me/left4me/internal/web/servers"
	"github.com/left4me/left4me/internal/web/servers/bulk"
	"github.com/left4me/left4me/internal/web/servers/connect"
	"github.com/left4me/left4me/internal/web/servers/create"
	"github.com/left4me/left4me/internal/web/servers/deleted"
	"github.com/left4me/left4me/internal/web/settings"
)

// routes returns the routing table of the panel, without the assets. Each part of the panel contributes
// its own routes.
func routes(p *page.Panel, d Deps) []page.Route {
	core := &overlay.Core{Panel: p, Overlays: d.Overlays, Jobs: d.Jobs}
	choices := &settings.Choices{Servers: d.Servers, Overlays: d.Overlays}
	created := &create.Pages{
		Panel: p, Choices: choices, Servers: d.Servers, Overlays: d.Overlays, Game: d.Game, Hosts: d.Hosts,
		Content: &newoverlay.Maker{Overlays: d.Overlays, Uploads: d.Uploads, Jobs: d.Jobs},
	}
	return slices.Concat(
		[]page.Route{
			page.SignedIn.Handle("GET /{$}", home),
			page.SignedIn.Handle("GET /session", alive(p)),
			page.SignedIn.Handle("GET /live", p.FollowShared),
			page.SignedIn.Handle("POST /live/{stream}", p.SharePage),
			page.Everybody.Handle("POST /theme", p.SetTheme),
			page.Everybody.Handle("/", p.NoPage),
		},
		(&accountpages.Pages{Panel: p, Accounts: d.Accounts}).Routes(),
		created.Routes(),
		(&serverpages.Pages{
			Panel: p, Create: created, Choices: choices, Servers: d.Servers, Bulk: d.Bulk, Jobs: d.Jobs,
			Overlays: d.Overlays, Game: d.Game,
			Hosts: d.Hosts,
		}).Routes(),
		(&connect.Pages{Panel: p, Servers: d.Servers}).Routes(),
		(&deleted.Pages{Panel: p, Servers: d.Servers}).Routes(),
		(&bulk.Pages{Panel: p, Bulk: d.Bulk}).Routes(),
		(&overlaypages.Pages{Panel: p, Overlay: core, Overlays: d.Overlays, Servers: d.Servers, Jobs: d.Jobs}).Routes(),
		(&files.Pages{
			Panel: p, Overlay: core, Overlays: d.Overlays, Downloads: d.Downloads, Uploads: d.Uploads, Jobs: d.Jobs,
		}).Routes(),
		(&workshop.Pages{Panel: p, Overlay: core, Overlays: d.Overlays}).Routes(),
		(&revisions.Pages{Panel: p, Overlay: core, Overlays: d.Overlays}).Routes(),
		(&uploadpages.Pages{Panel: p, Overlay: core, Overlays: d.Overlays, Uploads: d.Uploads}).Routes(),
		(&blueprints.Pages{Panel: p, Choices: choices, Servers: d.Servers, Bulk: d.Bulk, Overlays: d.Overlays}).Routes(),
		(&jobpages.Pages{Panel: p, Jobs: d.Jobs, Overlays: d.Overlays}).Routes(),
		(&gamepages.Pages{Panel: p, Game: d.Game, Hosts: d.Hosts, Servers: d.Servers}).Routes(),
		(&backuppages.Pages{Panel: p, Backups: d.Backups, Units: d.Units}).Routes(),
		(&doctor.Pages{Panel: p, Hosts: d.Hosts}).Routes(),
		(&help.Pages{Panel: p}).Routes(),
	)
}

// alive returns a handler that tells a script whether its session is valid and may open a stream,
// because an EventSource does not report why a request was refused.
func alive(p *page.Panel) page.Handler {
	return func(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
		if err := p.Accounts.MayStream(p.Sessions.Secret(r)); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

func home(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
	http.Redirect(w, r, "/servers", http.StatusSeeOther)
	return nil
}
