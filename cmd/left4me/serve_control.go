package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/left4me/left4me/internal/api"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/control/bulk"
	filedownloads "github.com/left4me/left4me/internal/control/downloads"
	"github.com/left4me/left4me/internal/control/events"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/host/localfs"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/lifecycle"
	"github.com/left4me/left4me/internal/web"
)

// control contains the use cases between the API and the panel on one side and the bus on the other.
type control struct {
	settings settings
	data     data
	log      *slog.Logger

	jobs      *jobs.Jobs
	servers   *servers.Servers
	bulk      *bulk.Bulk
	overlays  *overlays.Overlays
	downloads *filedownloads.Downloads
	game      *game.Game
	backups   *backups.Backups
	uploads   *uploads.Uploads
	accounts  *accounts.Accounts
	hosts     *hosts.Hosts
	files     *localfs.FS
}

func newControl(s settings, d data, log *slog.Logger) *control {
	c := &control{settings: s, data: d, log: log}
	c.files = localfs.New(s.root)
	c.hosts = hosts.New(d.bus, left4me.LocalHost)
	c.accounts = accounts.New(d.store, s.secretKey, log)
	c.jobs = jobs.New(d.store.Jobs(), d.bus, log)
	c.servers = servers.New(d.store, c.jobs, c.hosts, d.bus, s.ports, log)
	c.servers.Addresses().SetEnvironment(s.publicAddress)
	c.bulk = bulk.New(d.store, c.jobs, c.servers, log)
	c.overlays = overlays.New(d.store, c.jobs, c.servers, c.hosts.Content(), d.bus, log)
	c.downloads = filedownloads.New(c.overlays.Revisions(), c.files)
	c.game = game.New(d.store, c.jobs, c.servers, c.hosts, d.bus, log)
	c.backups = backups.New(d.store, c.jobs, d.bus, backups.Host{Name: left4me.LocalHost, Files: c.files, Root: s.root}, log)
	c.uploads = uploads.New(c.files, d.store.Overlays().Names, log)
	return c
}

// stage returns the parts to run in starting order. Requests of a host about its jobs are answered
// before anything is requested from the host.
func (c *control) stage() lifecycle.Stage {
	return lifecycle.Stage{
		{Run: c.jobs.Run, Ready: c.jobs.Ready()},
		{Run: c.servers.Run, Ready: c.servers.Ready()},
		{Run: c.game.Run, Ready: c.game.Ready()},
		{Run: c.backups.Run, Ready: c.backups.Ready()},
		{Run: c.overlays.Run},
		{Run: c.bulk.Run},
		{Run: c.uploads.Run},
		{Run: func(ctx context.Context) error { events.Prune(ctx, c.data.store, c.log); return nil }},
	}
}

// api returns the handler of the JSON API.
func (c *control) api() http.Handler {
	return api.New(api.Deps{
		Servers: c.servers, Bulk: c.bulk, Jobs: c.jobs, Overlays: c.overlays, Uploads: c.uploads, Downloads: c.downloads,
		Game:     c.game,
		Accounts: c.accounts, Backups: c.backups, Hosts: c.hosts,
		Version: programVersion(), Log: c.log,
		Ready: func(ctx context.Context) error {
			return errors.Join(c.data.store.Ping(ctx), c.hosts.Ping(ctx, left4me.LocalHost))
		},
		Full: c.data.full,
	})
}

// panel returns the handler of the panel. units reports whether servers are systemd units.
func (c *control) panel(units bool) http.Handler {
	return web.New(web.Deps{
		Servers: c.servers, Bulk: c.bulk, Jobs: c.jobs, Overlays: c.overlays, Uploads: c.uploads, Downloads: c.downloads,
		Game: c.game, Accounts: c.accounts, Backups: c.backups, Hosts: c.hosts, Full: c.data.full,
		Secure: c.settings.secureCookies(), Version: programVersion(),
		Units: units, Log: c.log,
	})
}

// routes dispatches the paths of the API to program and all others to panel.
func routes(program, panel http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/api/", "/healthz", "/readyz", "/metrics"} {
		mux.Handle(path, program)
	}
	mux.Handle("/", panel)
	return mux
}
