// Package web is the panel in the browser: its pages, the live updates on them
// and the assets they need.
//
// Every page works by its address, with reload, back and without scripts; what
// is live comes on top through one stream of events per page. Pages hold no
// inline script and no inline style, and everything that comes from a game
// server is shown as text with its control characters made visible. Rules live
// in control: a handler parses, asks and renders.
package web

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/left4me"
)

// Deps is what the panel speaks for.
type Deps struct {
	Servers   *servers.Servers
	Jobs      *jobs.Jobs
	Content   *overlays.Overlays
	Uploads   *uploads.Uploads
	Downloads *overlays.Downloads
	Game      *game.Game
	Accounts  *accounts.Accounts
	Backups   *backups.Backups
	Hosts     *hosts.Hosts
	Full      func() *left4me.Error // says what can't be done on a full disk, or nothing; nil: never
	Secure    bool                  // browsers come over https
	Version   string
	// PublicAddress is LEFT4ME_PUBLIC_ADDRESS: the host that players connect to.
	PublicAddress string
	Units         bool // left4me and its servers are units of systemd
	Log           *slog.Logger
}

type panel struct {
	Deps
	assets     *assets
	mux        *http.ServeMux // everything that the panel answers
	shared     shared
	beat       time.Duration // between heartbeats of a stream
	pages      []string      // patterns of their addresses
	unreadable sync.Once     // a header of a proxy
}

// New makes the handler of the panel.
func New(d Deps) http.Handler { return newPanel(d).handler() }

func newPanel(d Deps) *panel {
	p := &panel{Deps: d, assets: loadAssets(), beat: beatEvery, shared: shared{streams: map[string]*sharedStream{}}}
	p.mux = p.routes()
	return p
}

func (p *panel) handler() http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(p.open(func(http.ResponseWriter, *http.Request, accounts.Actor) error { return errCrossOrigin }))
	return headers(p.Secure, limit(cross.Handler(p.mux)))
}

// routes is everything the panel answers.
func (p *panel) routes() *http.ServeMux {
	mux := http.NewServeMux()
	open := func(pattern string, h handler) { mux.Handle(pattern, p.open(h)) }
	look := func(pattern string, h handler) { mux.Handle(pattern, p.guard(accounts.Look, h)) }
	act := func(pattern string, h handler) { mux.Handle(pattern, p.guard(accounts.Act, h)) }

	mux.Handle("GET /assets/{file}", p.assets)
	open("GET /login", p.showLogin)
	open("POST /login", p.login)
	open("POST /logout", p.logout)
	open("POST /theme", p.setTheme)

	look("GET /{$}", p.home)
	look("GET /session", p.alive)
	look("GET /live", p.followShared)
	look("POST /live/{stream}", p.sharePage)
	p.page(look, "/servers", "/servers", p.serversView)
	p.page(act, "/servers/new", "/servers", p.newServerView)
	act("POST /servers/new", p.createServer)
	p.page(look, "/servers/{name}", "/servers", p.serverLive)
	p.page(look, "/servers/{name}/console", "/servers", p.consoleView)
	act("POST /servers/{name}/console", p.runCommand)
	p.page(look, "/servers/{name}/settings", "/servers", p.settingsView)
	act("POST /servers/{name}/settings", p.saveSettings)
	p.page(look, "/servers/{name}/history", "/servers", p.historyView)
	p.page(look, "/servers/{name}/files", "/servers", p.filesView(false))
	p.page(act, "/servers/{name}/file", "/servers", p.fileView) // passwords of plugins stand in some
	p.page(look, "/servers/{name}/written", "/servers", p.filesView(true))
	act("POST /servers/{name}/written", p.actOnWritten)
	p.page(look, "/servers/{name}/pending", "/servers", p.pendingView)
	p.page(look, "/servers/{name}/compare", "/servers", p.compareView)
	p.page(look, "/servers/{name}/clashes", "/servers", p.clashesView)
	p.page(look, "/servers/{name}/map", "/servers", p.mapView)
	act("POST /servers/{name}/map", p.changeMap)
	p.page(look, "/servers/{name}/reach", "/servers", p.reachView)
	act("POST /servers/{name}/start", p.startServer)
	act("POST /servers/{name}/stop", p.stopServer)
	act("POST /servers/{name}/restart", p.restartServer)
	p.page(act, "/servers/{name}/reset", "/servers", p.confirmView(left4me.ResetServer))
	act("POST /servers/{name}/reset", p.resetServer)
	p.page(act, "/servers/{name}/delete", "/servers", p.confirmView(left4me.DeleteServer))
	act("POST /servers/{name}/delete", p.deleteServer)

	p.overlayRoutes(look, act)

	p.page(look, "/blueprints", "/blueprints", p.blueprintsView)
	p.page(act, "/blueprints/new", "/blueprints", p.newBlueprintView)
	act("POST /blueprints/new", p.createBlueprint)
	p.page(look, "/blueprints/{name}", "/blueprints", p.blueprintPage)
	act("POST /blueprints/{name}", p.saveBlueprint)
	p.page(act, "/blueprints/{name}/delete", "/blueprints", p.deleteBlueprintView)
	act("POST /blueprints/{name}/delete", p.deleteBlueprint)

	p.page(act, "/uploads", "/overlays", p.uploadsView)
	act("POST /uploads/{id}/drop", p.dropListed)
	act("POST /uploads/names", p.setNames)

	p.page(look, "/jobs", "/jobs", p.jobsView)
	p.page(look, "/jobs/{id}", "/jobs", p.jobView)
	act("POST /jobs/{id}/cancel", p.cancelJob)
	act("POST /jobs/{id}/retry", p.retryJob)

	p.page(look, "/game", "/game", p.gameView)
	act("POST /game/install", p.gameJob(left4me.InstallGame))
	act("POST /game/update", p.gameJob(left4me.UpdateGame))
	act("POST /game/verify", p.gameJob(left4me.VerifyGame))
	act("POST /game/check", p.gameJob(left4me.CheckGame))
	p.page(act, "/game/rollback", "/game", p.rollbackView)
	act("POST /game/rollback", p.gameJob(left4me.RollbackGame))
	act("POST /game/pin", p.pinGame)
	act("POST /game/policy", p.setGamePolicy)
	look("GET /game/policy", p.formAddress)
	act("POST /game/rollout/cancel", p.cancelRollout)

	p.page(look, "/backups", "/backups", p.backupsView)
	act("POST /backups", p.createBackup)
	act("POST /backups/policy", p.setBackupPolicy)
	look("GET /backups/policy", p.formAddress)
	act("GET /backups/{name}/file", p.downloadBackup)
	act("POST /backups/{name}/verify", p.verifyBackup)
	p.page(act, "/backups/{name}/delete", "/backups", p.deleteBackupView)
	act("POST /backups/{name}/delete", p.deleteBackup)
	p.page(act, "/doctor", "/doctor", p.doctorView)
	p.accountRoutes(look, act)

	open("/", p.noPage)
	return mux
}

// overlayRoutes are the pages of what is stacked on the game.
func (p *panel) overlayRoutes(look, act func(string, handler)) {
	p.page(look, "/overlays", "/overlays", p.overlaysView)
	act("POST /overlays/collect", p.collectContent)
	p.page(act, "/overlays/new", "/overlays", p.newOverlayView)
	act("POST /overlays/new", p.createOverlay)
	p.page(look, "/overlays/{name}", "/overlays", p.contentsView)
	act("POST /overlays/{name}/build", p.buildOverlay)
	act("POST /overlays/{name}/repair", p.repairTexts)
	act("POST /overlays/{name}/moves/cancel", p.cancelMoves)
	act("POST /overlays/{name}/restore", p.restoreOverlay)
	act("POST /overlays/{name}/forget", p.forgetMove)
	p.page(look, "/overlays/{name}/settings", "/overlays", p.overlaySettingsView)
	act("POST /overlays/{name}/settings", p.saveOverlaySettings)
	p.page(act, "/overlays/{name}/delete", "/overlays", p.deleteOverlayView)
	act("POST /overlays/{name}/delete", p.deleteOverlay)

	p.page(look, "/overlays/{name}/revisions", "/overlays", p.revisionsView)
	act("POST /overlays/{name}/revisions/{revision}/use", p.useRevision)
	act("POST /overlays/{name}/revisions/{revision}/label", p.labelRevision)
	p.page(act, "/overlays/{name}/revisions/{revision}/drop", "/overlays", p.dropView)
	act("POST /overlays/{name}/revisions/{revision}/drop", p.dropRevision)
	p.page(look, "/overlays/{name}/diff", "/overlays", p.diffView)
	p.page(look, "/overlays/{name}/problems", "/overlays", p.detailView("problems", "overlay-problems", problemList))
	p.page(look, "/overlays/{name}/campaigns", "/overlays", p.detailView("campaigns", "overlay-campaigns", campaignList))

	p.page(act, "/overlays/{name}/file", "/overlays", p.overlayFileView) // passwords of plugins stand in some
	act("GET /overlays/{name}/download", p.downloadFile)
	act("GET /overlays/{name}/archive", p.downloadArchive)
	look("GET /overlays/{name}/picture", p.showPicture)
	p.page(act, "/overlays/{name}/remove", "/overlays", p.removeView)
	act("POST /overlays/{name}/remove", p.removeFiles)
	act("GET /overlays/{name}/edit", p.editFile)
	p.streamOf(act, "/overlays/{name}/edit", "/overlays", p.editView)
	act("POST /overlays/{name}/edit", p.saveFile)

	p.page(look, "/overlays/{name}/items", "/overlays", p.itemsView)
	act("POST /overlays/{name}/items", p.changeItem)
	act("POST /overlays/{name}/items/look", p.pasteItems)
	p.page(act, "/overlays/{name}/items/look", "/overlays", p.lookItemsView)
	act("POST /overlays/{name}/items/add", p.addItems)
	p.page(look, "/overlays/{name}/script", "/overlays", p.scriptView)
	act("POST /overlays/{name}/script", p.saveScript)

	p.page(act, "/overlays/{name}/upload", "/overlays", p.uploadView)
	act("POST /overlays/{name}/upload", p.uploadForm)
	act("POST /overlays/{name}/uploads", p.beginUpload)
	act("GET /overlays/{name}/uploads/{id}", p.showPlan)
	p.streamOf(act, "/overlays/{name}/uploads/{id}", "/overlays", p.planView)
	act("GET /overlays/{name}/uploads/{id}/state", p.uploadState)
	act("PUT /overlays/{name}/uploads/{id}/file", p.uploadPiece)
	act("POST /overlays/{name}/uploads/{id}/publish", p.publishUpload)
	act("GET /overlays/{name}/uploads/{id}/publish", p.formAddress)
	act("POST /overlays/{name}/uploads/{id}/move", p.movePlan)
	act("GET /overlays/{name}/uploads/{id}/move", p.formAddress)
	act("POST /overlays/{name}/uploads/{id}/drop", p.dropUpload)
}

// alive tells a script that its session is good and may open a stream. An
// EventSource doesn't say why it was refused.
func (p *panel) alive(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
	if err := p.Accounts.MayStream(p.session(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (p *panel) home(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
	http.Redirect(w, r, "/servers", http.StatusSeeOther)
	return nil
}
