// Package servers implements the pages of game servers: the list, and for each server its
// status, console, settings, files, map, history and connectivity check.
package servers

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/servers/create"
	"github.com/left4me/left4me/internal/web/settings"
)

// Pages contains what the pages of servers need.
type Pages struct {
	Panel    *page.Panel
	Create   *create.Pages
	Choices  *settings.Choices
	Servers  *servers.Servers
	Bulk     *bulk.Bulk
	Jobs     *jobs.Jobs
	Overlays *overlays.Overlays
	Game     *game.Game
	Hosts    *hosts.Hosts
}

// files contains the pages of a server's files.
type files struct{ pages *Pages }

// Routes returns the routes of servers.
func (p *Pages) Routes() []page.Route {
	f := &files{p}
	one := page.Servers()
	return []page.Route{
		page.SignedIn.Show("/servers", "/servers", p.listView),
		one.Show(accounts.See, "", "/servers", p.statusView),
		one.Show(accounts.See, "/console", "/servers", p.consoleView),
		one.Handle(accounts.Console, "POST", "/console", p.runCommand),
		one.Show(accounts.See, "/settings", "/servers", p.settingsView),
		one.Handle(accounts.Configure, "POST", "/settings", p.saveSettings),
		one.Show(accounts.See, "/history", "/servers", p.historyView),
		one.Show(accounts.See, "/files", "/servers", f.filesView(false)),
		one.Show(accounts.Configure, "/file", "/servers", f.fileView), // some files contain passwords of plugins
		one.Show(accounts.See, "/written", "/servers", f.filesView(true)),
		one.Handle(accounts.Content, "POST", "/written", f.actOnWritten),
		one.Show(accounts.See, "/pending", "/servers", f.pendingView),
		one.Show(accounts.See, "/compare", "/servers", f.compareView),
		one.Show(accounts.See, "/conflicts", "/servers", f.conflictsView),
		one.Handle(accounts.See, "GET", "/clashes", f.redirectToConflicts),
		one.Show(accounts.See, "/map", "/servers", p.mapView),
		one.Handle(accounts.Operate, "POST", "/map", p.changeMap),
		one.Show(accounts.See, "/reach", "/servers", p.reachView),
		one.Handle(accounts.Operate, "POST", "/start", p.startServer),
		one.Handle(accounts.Operate, "POST", "/stop", p.stopServer),
		one.Handle(accounts.Operate, "POST", "/restart", p.restartServer),
		one.Show(accounts.Manage, "/rename", "/servers", p.renameView),
		one.Handle(accounts.Manage, "POST", "/rename", p.renameServer),
		one.Show(accounts.Manage, "/reset", "/servers", p.confirmView(left4me.ResetServer)),
		one.Handle(accounts.Manage, "POST", "/reset", p.resetServer),
		one.Show(accounts.Manage, "/delete", "/servers", p.confirmView(left4me.DeleteServer)),
		one.Handle(accounts.Manage, "POST", "/delete", p.deleteServer),
	}
}
