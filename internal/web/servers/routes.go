// Package servers is the pages of game servers: the list, and of each server its
// status, console, settings, files, map, history and connectivity check.
package servers

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/definition"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of servers.
type Pages struct {
	Panel   *page.Panel
	Choices *definition.Choices
	Servers *servers.Servers
	Jobs    *jobs.Jobs
	Content *overlays.Overlays
	Game    *game.Game
	// PublicAddress is the host that players connect to; empty: the one that the
	// browser came to.
	PublicAddress string
}

// files are the pages of a server's files.
type files struct{ pages *Pages }

// Routes is the part of the table of routes that is about servers.
func (p *Pages) Routes() []page.Route {
	const read, change = accounts.Look, accounts.Act
	f := &files{p}
	return []page.Route{
		page.Show(read, "/servers", "/servers", p.listView),
		page.Show(change, "/servers/new", "/servers", p.newView),
		page.Handle(change, "POST /servers/new", p.createServer),
		page.Show(read, "/servers/{name}", "/servers", p.statusView),
		page.Show(read, "/servers/{name}/console", "/servers", p.consoleView),
		page.Handle(change, "POST /servers/{name}/console", p.runCommand),
		page.Show(read, "/servers/{name}/settings", "/servers", p.settingsView),
		page.Handle(change, "POST /servers/{name}/settings", p.saveSettings),
		page.Show(read, "/servers/{name}/history", "/servers", p.historyView),
		page.Show(read, "/servers/{name}/files", "/servers", f.filesView(false)),
		page.Show(change, "/servers/{name}/file", "/servers", f.fileView), // passwords of plugins stand in some
		page.Show(read, "/servers/{name}/written", "/servers", f.filesView(true)),
		page.Handle(change, "POST /servers/{name}/written", f.actOnWritten),
		page.Show(read, "/servers/{name}/pending", "/servers", f.pendingView),
		page.Show(read, "/servers/{name}/compare", "/servers", f.compareView),
		page.Show(read, "/servers/{name}/clashes", "/servers", f.clashesView),
		page.Show(read, "/servers/{name}/map", "/servers", p.mapView),
		page.Handle(change, "POST /servers/{name}/map", p.changeMap),
		page.Show(read, "/servers/{name}/reach", "/servers", p.reachView),
		page.Handle(change, "POST /servers/{name}/start", p.startServer),
		page.Handle(change, "POST /servers/{name}/stop", p.stopServer),
		page.Handle(change, "POST /servers/{name}/restart", p.restartServer),
		page.Show(change, "/servers/{name}/reset", "/servers", p.confirmView(left4me.ResetServer)),
		page.Handle(change, "POST /servers/{name}/reset", p.resetServer),
		page.Show(change, "/servers/{name}/delete", "/servers", p.confirmView(left4me.DeleteServer)),
		page.Handle(change, "POST /servers/{name}/delete", p.deleteServer),
	}
}
