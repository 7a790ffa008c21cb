// Package web is the web panel. It contains the routing table, the handlers that run before each route,
// and the assets. The pages are in the packages below, one for each part of the panel, and share
// [github.com/left4me/left4me/internal/web/page].
//
// Every page has an address, and works with reload, the back button and without scripts. Scripts add
// updates of open pages, through one stream of events per page. Pages contain neither inline scripts
// nor inline styles. Everything that comes from a game server is shown as text with visible control
// characters. Rules belong to package control: handlers only parse, call and render.
package web

import (
	"log/slog"
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/downloads"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/session"
)

// Deps holds what the panel depends on.
type Deps struct {
	Servers   *servers.Servers
	Bulk      *bulk.Bulk
	Jobs      *jobs.Jobs
	Overlays  *overlays.Overlays
	Uploads   *uploads.Uploads
	Downloads *downloads.Downloads
	Game      *game.Game
	Accounts  *accounts.Accounts
	Backups   *backups.Backups
	Hosts     *hosts.Hosts
	Full      func() *left4me.Error // returns the note about a full disk, or nil; may be nil
	Secure    bool                  // browsers connect over https
	Version   string
	Units     bool // left4me and its servers run as systemd units
	Log       *slog.Logger
}

// New returns the handler of the panel.
func New(d Deps) http.Handler {
	sessions := &session.Sessions{Accounts: d.Accounts, Secure: d.Secure, Log: d.Log}
	return newPanel(d, sessions, sessions.Identify)
}

// newPanel is like New, with another function to identify who sends a request.
func newPanel(d Deps, sessions *session.Sessions, identify func(*http.Request) (accounts.Actor, error)) http.Handler {
	files := loadAssets()
	p := &page.Panel{
		Sessions: sessions, Identify: identify,
		Assets: files, Version: d.Version, Full: d.Full, Log: d.Log,
		Servers: d.Servers, Bulk: d.Bulk, Jobs: d.Jobs, Overlays: d.Overlays, Uploads: d.Uploads, Game: d.Game, Accounts: d.Accounts,
		Backups: d.Backups,
	}
	g := guard{p}
	mux := http.NewServeMux()
	mux.Handle("GET /assets/{file}", files)
	for _, route := range routes(p, d) {
		for pattern, h := range p.Handlers(route) {
			mux.Handle(pattern, g.handler(route.Need, h))
		}
	}
	p.Handler = mux
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(g.open(func(http.ResponseWriter, *http.Request, accounts.Actor) error { return errCrossOrigin }))
	return httpserver.Identified(headers(d.Secure, limit(inLanguage(cross.Handler(mux)))))
}
