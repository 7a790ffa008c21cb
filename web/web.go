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
	"time"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/accounts"
	"github.com/left4me/left4me/control/backups"
	"github.com/left4me/left4me/control/content"
	"github.com/left4me/left4me/control/game"
	"github.com/left4me/left4me/control/hosts"
	"github.com/left4me/left4me/control/jobs"
	"github.com/left4me/left4me/control/servers"
	"github.com/left4me/left4me/control/uploads"
)

// Deps is what the panel speaks for.
type Deps struct {
	Servers   *servers.Servers
	Jobs      *jobs.Jobs
	Content   *content.Content
	Uploads   *uploads.Uploads
	Downloads *content.Downloads
	Game      *game.Game
	Accounts  *accounts.Accounts
	Backups   *backups.Backups
	Hosts     *hosts.Hosts
	Full      func() *left4me.Error // says what can't be done on a full disk, or nothing; nil: never
	Secure    bool                  // browsers come over https
	Version   string
	// PublicAddress is LEFT4ME_PUBLIC_ADDRESS: the host that players connect to.
	PublicAddress string
	Log           *slog.Logger
}

type panel struct {
	Deps
	assets *assets
	beat   time.Duration // between heartbeats of a stream
}

// New makes the handler of the panel.
func New(d Deps) http.Handler { return newPanel(d).handler() }

func newPanel(d Deps) *panel { return &panel{Deps: d, assets: loadAssets(), beat: beatEvery} }

func (p *panel) handler() http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(p.open(func(http.ResponseWriter, *http.Request, accounts.Actor) error { return errCrossOrigin }))
	return headers(p.Secure, limit(cross.Handler(p.routes())))
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
	look("GET /servers", p.listServers)
	look("GET /servers/live", p.followServers)
	act("GET /servers/new", p.newServer)
	act("POST /servers/new", p.createServer)
	look("GET /servers/{name}", p.showServer)
	look("GET /servers/{name}/live", p.followServer)
	look("GET /servers/{name}/console", p.showConsole)
	act("POST /servers/{name}/console", p.runCommand)
	look("GET /servers/{name}/settings", p.showSettings)
	act("POST /servers/{name}/settings", p.saveSettings)
	look("GET /servers/{name}/history", p.showHistory)
	look("GET /servers/{name}/files", p.showFiles)
	act("GET /servers/{name}/file", p.showServerFile) // passwords of plugins stand in some
	look("GET /servers/{name}/written", p.showWritten)
	act("POST /servers/{name}/written", p.actOnWritten)
	look("GET /servers/{name}/pending", p.showPending)
	look("GET /servers/{name}/compare", p.compareServers)
	look("GET /servers/{name}/clashes", p.showClashes)
	look("GET /servers/{name}/map", p.showMaps)
	act("POST /servers/{name}/map", p.changeMap)
	look("GET /servers/{name}/reach", p.reachServer)
	act("POST /servers/{name}/start", p.startServer)
	act("POST /servers/{name}/stop", p.stopServer)
	act("POST /servers/{name}/restart", p.restartServer)
	act("GET /servers/{name}/reset", p.confirmReset)
	act("POST /servers/{name}/reset", p.resetServer)
	act("GET /servers/{name}/delete", p.confirmDelete)
	act("POST /servers/{name}/delete", p.deleteServer)

	p.overlayRoutes(look, act)

	look("GET /blueprints", p.listBlueprints)
	act("GET /blueprints/new", p.newBlueprint)
	act("POST /blueprints/new", p.createBlueprint)
	look("GET /blueprints/{name}", p.showBlueprint)
	act("POST /blueprints/{name}", p.saveBlueprint)
	act("GET /blueprints/{name}/delete", p.confirmDeleteBlueprint)
	act("POST /blueprints/{name}/delete", p.deleteBlueprint)

	look("GET /jobs", p.listJobs)
	look("GET /jobs/live", p.followJobs)
	look("GET /jobs/{id}", p.showJob)
	look("GET /jobs/{id}/live", p.followJob)
	act("POST /jobs/{id}/cancel", p.cancelJob)
	act("POST /jobs/{id}/retry", p.retryJob)

	look("GET /game", p.showGame)
	look("GET /game/live", p.followGame)
	act("POST /game/install", p.gameJob(left4me.InstallGame))
	act("POST /game/update", p.gameJob(left4me.UpdateGame))
	act("POST /game/verify", p.gameJob(left4me.VerifyGame))
	act("POST /game/check", p.gameJob(left4me.CheckGame))
	act("GET /game/rollback", p.confirmRollback)
	act("POST /game/rollback", p.gameJob(left4me.RollbackGame))
	act("POST /game/pin", p.pinGame)
	act("POST /game/policy", p.setGamePolicy)
	act("POST /game/rollout/cancel", p.cancelRollout)

	look("GET /backups", p.listBackups)
	look("GET /backups/live", p.followBackups)
	act("POST /backups", p.createBackup)
	act("POST /backups/policy", p.setBackupPolicy)
	act("GET /backups/{name}/file", p.downloadBackup)
	act("POST /backups/{name}/verify", p.verifyBackup)
	act("GET /backups/{name}/delete", p.confirmDeleteBackup)
	act("POST /backups/{name}/delete", p.deleteBackup)
	act("GET /doctor", p.showDoctor)
	p.accountRoutes(look, act)

	open("/", p.noPage)
	return mux
}

// overlayRoutes are the pages of what is stacked on the game.
func (p *panel) overlayRoutes(look, act func(string, handler)) {
	look("GET /overlays", p.listOverlays)
	look("GET /overlays/live", p.followOverlays)
	act("POST /overlays/collect", p.collectContent)
	act("GET /overlays/new", p.newOverlay)
	act("POST /overlays/new", p.createOverlay)
	look("GET /overlays/{name}", p.showOverlay)
	look("GET /overlays/{name}/live", p.followOverlay)
	act("POST /overlays/{name}/build", p.buildOverlay)
	act("POST /overlays/{name}/moves/cancel", p.cancelMoves)
	act("POST /overlays/{name}/restore", p.restoreOverlay)
	look("GET /overlays/{name}/settings", p.showOverlaySettings)
	act("POST /overlays/{name}/settings", p.saveOverlaySettings)
	act("GET /overlays/{name}/delete", p.confirmDeleteOverlay)
	act("POST /overlays/{name}/delete", p.deleteOverlay)

	look("GET /overlays/{name}/revisions", p.showRevisions)
	act("POST /overlays/{name}/revisions/{revision}/use", p.useRevision)
	act("POST /overlays/{name}/revisions/{revision}/label", p.labelRevision)
	act("GET /overlays/{name}/revisions/{revision}/drop", p.confirmDrop)
	act("POST /overlays/{name}/revisions/{revision}/drop", p.dropRevision)
	look("GET /overlays/{name}/diff", p.showDiff)
	look("GET /overlays/{name}/problems", p.showProblems)
	look("GET /overlays/{name}/campaigns", p.showCampaigns)

	act("GET /overlays/{name}/file", p.showOverlayFile) // passwords of plugins stand in some
	act("GET /overlays/{name}/download", p.downloadFile)
	act("GET /overlays/{name}/archive", p.downloadArchive)
	look("GET /overlays/{name}/picture", p.showPicture)
	act("GET /overlays/{name}/remove", p.confirmRemove)
	act("POST /overlays/{name}/remove", p.removeFiles)
	act("GET /overlays/{name}/edit", p.editFile)
	act("POST /overlays/{name}/edit", p.saveFile)

	look("GET /overlays/{name}/items", p.showItems)
	act("POST /overlays/{name}/items", p.changeItem)
	act("POST /overlays/{name}/items/look", p.pasteItems)
	act("GET /overlays/{name}/items/look", p.lookItems)
	act("POST /overlays/{name}/items/add", p.addItems)
	look("GET /overlays/{name}/script", p.showScript)
	act("POST /overlays/{name}/script", p.saveScript)

	act("GET /overlays/{name}/upload", p.showUpload)
	act("POST /overlays/{name}/upload", p.uploadForm)
	act("POST /overlays/{name}/uploads", p.beginUpload)
	act("GET /overlays/{name}/uploads/{id}", p.showPlan)
	act("GET /overlays/{name}/uploads/{id}/state", p.uploadState)
	act("PUT /overlays/{name}/uploads/{id}/file", p.uploadPiece)
	act("POST /overlays/{name}/uploads/{id}/publish", p.publishUpload)
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
