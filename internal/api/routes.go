package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	get  = http.MethodGet
	post = http.MethodPost
	put  = http.MethodPut
	del  = http.MethodDelete
)

// entry is one route of the table: an operation and the authorization it requires.
type entry struct {
	operation
	needs need
}

// described returns the description of a route. Generated clients name their functions after its
// id.
func (e entry) described(h huma.API) huma.Operation {
	op := huma.Operation{
		OperationID: e.id, Method: e.method, Path: e.path, Summary: e.summary,
		DefaultStatus: e.status, MaxBodyBytes: bodyLimit + 1, // huma rejects bodies that reach its limit
		Metadata: map[string]any{"needs": e.needs},
		Responses: map[string]*huma.Response{"default": {
			Description: "The error",
			Content:     map[string]*huma.MediaType{problemType: {Schema: schemaOf[apitype.Problem](h)}},
		}},
	}
	if e.needs.right != "" {
		op.Extensions = map[string]any{"x-right": string(e.needs.right), "x-target": e.needs.on}
	}
	return op
}

// route is an operation with a JSON answer.
func route[I, O any](method, path, id string, status int, summary string, f func(context.Context, *I) (O, error)) operation {
	return operation{method, path, id, status, summary, func(h huma.API, op huma.Operation) {
		huma.Register(h, op, func(ctx context.Context, in *I) (*answer[O], error) {
			out, err := f(ctx, in)
			if err != nil {
				return nil, problemOf(ctx, err)
			}
			if v := reflect.ValueOf(&out).Elem(); v.Kind() == reflect.Slice && v.IsNil() {
				v.Set(reflect.MakeSlice(v.Type(), 0, 0)) // an empty list must be encoded as [], not null
			}
			return &answer[O]{Body: out}, nil
		})
	}}
}

// routeOn is route for an operation on an object.
func routeOn[T, I, O any](method, path, id string, status int, summary string, f func(context.Context, T, *I) (O, error)) operationOn[T] {
	return operationOn[T](route(method, path, id, status, summary, found(f)))
}

// answer wraps a body in the form that huma expects.
type answer[T any] struct{ Body T }

// none is the input of a request without parameters and body.
type none struct{}

// routes returns all routes of /api/v1.
func (c *core) routes() []entry {
	return slices.Concat(
		serverRoutes{c}.table(),
		serverRoutes{c}.fileTable(),
		serverRoutes{c}.bulkTable(),
		jobRoutes{c}.table(),
		gameRoutes{c}.table(),
		blueprintRoutes{c}.table(),
		overlayRoutes{c}.table(),
		overlayRoutes{c}.revisionTable(),
		c.recipeTable(),
		uploadRoutes{c}.table(),
		backupRoutes{c}.table(),
		accountRoutes{c}.table(),
		hostRoutes{c}.table(),
	)
}

// table lists the routes of servers, their consoles and their maps.
func (a serverRoutes) table() []entry {
	server, deleted := a.core.servers(), a.core.deletedServers()
	return []entry{
		loggedIn(listBytes[ListInput, apitype.GameServer]("/servers", "listServers", "List servers", a.list)),
		onKind(left4me.ServerTarget, manage, route(post, "/servers", "createServer", 201, "Create a server", a.createServer)),
		server.needs(manage,
			routeOn(post, "/duplicate", "duplicateServer", 201, "Create a copy of a server, without the files that it wrote",
				creationRoutes(a).duplicateServer)),
		server.needs(see, routeOn(get, "", "showServer", 200, "Show a server", a.showServer)),
		server.needs(configure,
			routeOn(put, "", "updateServer", 200, "Change a server; takes effect at its next start", a.updateServer)),
		server.needs(see,
			routeOn(get, "/config", "showServerConfig", 200, "Compare the generated files with those of the next start", a.serverConfig)),
		server.needs(manage,
			routeOn(post, "/rename", "renameServer", 200, "Rename a server; its files are renamed at its next start", a.renameServer)),
		server.needs(manage, routeOn(del, "", "deleteServer", 202, "Delete a server; it can be restored for 7 days", a.deleteServer)),
		loggedIn(
			route(get, "/deleted-servers", "listDeletedServers", 200, "List the deleted servers that can be restored", a.listDeleted)),
		deleted.needs(manage, routeOn(post, "/restore", "restoreServer", 200, "Restore a deleted server", a.restoreServer)),
		deleted.needs(manage,
			routeOn(del, "", "removeDeletedServer", 200, "Remove a deleted server and its files for good", a.removeDeleted)),
		server.needs(operate, routeOn(post, "/start", "startServer", 202, "Start a server", a.startServer)),
		server.needs(operate, routeOn(post, "/stop", "stopServer", 202, "Stop a server", a.stopServer)),
		server.needs(operate, routeOn(post, "/restart", "restartServer", 202, "Restart a server", a.restartServer)),
		server.needs(manage, routeOn(post, "/reset", "resetServer", 202, "Delete what a server wrote and start it again", a.resetServer)),
		server.needs(see,
			streamOn[apitype.ConsoleChunk](a.core, "/console", "followConsole", "Follow a console", "console", a.followConsole)),
		server.needs(see, routeOn(get, "/console/tail", "readConsoleTail", 200, "Read the end of a console", a.tailConsole)),
		server.needs(console, routeOn(post, "/console", "runCommand", 200, "Run a console command", a.runCommand)),
		server.needs(see, routeOn(get, "/reach", "checkReach", 200, "Check why players cannot join a server", a.reachServer)),
		server.needs(see, listOn("/crashes", "listCrashes", "List crashes of a server", byTimeOfCrash, a.listCrashes)),
		loggedIn(stream[apitype.Change](a.core, "/events", "followServers", "Follow changes of all servers", "server", a.followServers)),
		server.needs(see,
			listOn("/campaigns", "listServerCampaigns", "List the campaigns of a server", counted[left4me.Campaign](), a.serverCampaigns)),
		server.needs(see,
			listOn("/clashes", "listServerClashes", "List conflicts between the overlays of a server", counted[left4me.Warning](),
				a.serverClashes)),
		server.needs(operate, routeOn(post, "/map", "changeMap", 200, "Change the map of a running server", a.changeMap)),
		server.needs(see, picture("/picture", "showServerPicture", "Show a picture from an add-on of a server", a.picture)),
	}
}

// bulkTable lists the routes that start, stop or restart several servers. Package control/bulk checks the
// rights on each server.
func (a serverRoutes) bulkTable() []entry {
	act := object[bulk.Act]{
		path: "/bulk/{id}", param: "id", noun: "bulk act", several: true,
		find: func(ctx context.Context, who accounts.Actor, id string) (v bulk.Act, _ left4me.Target, err error) {
			v, err = a.core.Bulk.Get(ctx, who, id)
			return v, left4me.Target{}, err
		},
	}
	return []entry{
		loggedIn(route(post, "/bulk/plan", "planBulkAct", 200,
			"Show what a start, stop or restart of several servers would do", a.planBulk)),
		loggedIn(route(post, "/bulk", "startBulkAct", 202, "Start, stop or restart several servers", a.startBulk)),
		loggedIn(route(get, "/bulk", "listBulkActs", 200, "List starts, stops and restarts of several servers, newest first", a.listBulk)),
		act.needs("", routeOn(get, "", "showBulkAct", 200, "Show a start, stop or restart of several servers", a.showBulk)),
		act.needs("", routeOn(del, "", "cancelBulkAct", 200,
			"Cancel a start, stop or restart of several servers; jobs in progress continue", a.cancelBulk)),
	}
}

// fileTable lists the routes of servers' files.
func (a serverRoutes) fileTable() []entry {
	server := a.core.servers()
	return []entry{
		server.needs(see, routeOn(get, "/files", "listServerFiles", 200, "List the merged files of a server", a.serverFiles)),
		server.needs(configure,
			routeOn(get, "/file", "showServerFile", 200, "Read a file of a server",
				a.serverFile)), // some files contain passwords of plugins
		server.needs(see, routeOn(get, "/written", "listWrittenFiles", 200, "List the files that a server wrote", a.serverWritten)),
		server.needs(content,
			routeOn(post, "/written/discard", "discardWrittenFiles", 202, "Discard files that a stopped server wrote", a.discardWritten)),
		server.needs(see, routeOn(get, "/pending", "listPendingFiles", 200, "List the files that a restart would change", a.serverPending)),
		server.needs(see,
			routeOn(get, "/compare/{other}", "compareServers", 200, "List differences between the files of two servers", a.compareServers)),
	}
}

// table lists the routes of jobs.
func (a jobRoutes) table() []entry {
	job := a.core.jobs()
	return []entry{
		loggedIn(list("/jobs", "listJobs", "List jobs, newest first", byJobID, a.listJobs)),
		job.needs(see, routeOn(get, "", "showJob", 200, "Show a job", a.showJob)),
		job.needs(asTheJob, routeOn(post, "/cancel", "cancelJob", 202, "Cancel a job", a.cancelJob)),
		job.needs(asTheJob, routeOn(post, "/retry", "retryJob", 202, "Retry a job", a.retryJob)),
		job.needs(see, streamOn[apitype.Job](a.core, "/events", "followJob", "Follow a job until it ends", "job", a.followJob)),
	}
}

// table lists the routes of the game on a host.
func (a gameRoutes) table() []entry {
	host := a.core.hosts()
	return []entry{
		host.needs(see, routeOn(get, "/game", "showGame", 200, "Show the game on a host", a.showGame)),
		host.needs(site, routeOn(post, "/game/install", "installGame", 202, "Install the game", a.game(left4me.InstallGame))),
		host.needs(site, routeOn(post, "/game/update", "updateGame", 202, "Update the game", a.game(left4me.UpdateGame))),
		host.needs(site,
			routeOn(post, "/game/verify", "verifyGame", 202, "Verify the files of the game and repair them", a.game(left4me.VerifyGame))),
		host.needs(site,
			routeOn(post, "/game/rollback", "rollbackGame", 202, "Roll back to another build of the game", a.game(left4me.RollbackGame))),
		host.needs(site, routeOn(post, "/game/check", "checkGame", 202, "Check Steam for the newest build", a.game(left4me.CheckGame))),
		host.needs(site, routeOn(post, "/game/pin", "pinGame", 200, "Pin or unpin the current build", a.pinGame)),
		host.needs(see, routeOn(get, "/game/policy", "showGamePolicy", 200, "Show the schedule of game updates", a.showPolicy)),
		host.needs(site,
			routeOn(put, "/game/policy", "setGamePolicy", 200, "Change the schedule of game updates", a.setPolicy)),
		host.needs(see, routeOn(get, "/game/rollout", "showRollout", 200, "Show the rollout of another build to servers", a.showRollout)),
		host.needs(site,
			routeOn(del, "/game/rollout", "cancelRollout", 200, "Cancel a rollout; pending servers keep their build", a.cancelRollout)),
	}
}

// table lists the routes of blueprints.
func (a blueprintRoutes) table() []entry {
	blueprint := a.core.blueprints()
	return []entry{
		loggedIn(list("/blueprints", "listBlueprints", "List blueprints", byBlueprintName, a.listBlueprints)),
		onKind(left4me.BlueprintTarget, manage,
			route(post, "/blueprints", "createBlueprint", 201, "Create a blueprint", a.createBlueprint)),
		blueprint.needs(manage,
			routeOn(post, "/servers", "createServers", 201, "Create several servers from a blueprint, all or none",
				creationRoutes(a).createServers)),
		blueprint.needs(see, routeOn(get, "", "showBlueprint", 200, "Show a blueprint", a.showBlueprint)),
		blueprint.needs(configure,
			routeOn(put, "", "updateBlueprint", 200, "Change a blueprint; takes effect when its servers start next", a.updateBlueprint)),
		blueprint.needs(manage,
			routeOn(post, "/rename", "renameBlueprint", 200, "Rename a blueprint and all references to it", a.renameBlueprint)),
		blueprint.needs(manage, routeOn(del, "", "deleteBlueprint", 200, "Delete a blueprint that no server uses", a.deleteBlueprint)),
	}
}

// table lists the routes of overlays and their sources.
func (a overlayRoutes) table() []entry {
	overlay := a.core.overlays()
	return []entry{
		loggedIn(list("/overlays", "listOverlays", "List overlays, deleted ones last", byOverlayName, a.listOverlays)),
		onKind(left4me.OverlayTarget, manage,
			route(post, "/overlays", "createOverlay", 201, "Create an overlay; does not start a build", a.createOverlay)),
		overlay.needs(see, routeOn(get, "", "showOverlay", 200, "Show an overlay", a.showOverlay)),
		overlay.needs(configure,
			routeOn(put, "", "changeOverlay", 200, "Change the definition of an overlay; does not start a build", a.changeOverlay)),
		overlay.needs(manage,
			routeOn(post, "/rename", "renameOverlay", 200, "Rename an overlay; its host keeps using the old name", a.renameOverlay)),
		overlay.needs(manage,
			routeOn(del, "", "deleteOverlay", 202, "Delete an overlay; it can be restored for some days", a.deleteOverlay)),
		overlay.needs(manage, routeOn(post, "/restore", "restoreOverlay", 202, "Restore a deleted overlay", a.restoreOverlay)),
		overlay.needs(content,
			routeOn(post, "/build", "buildOverlay", 202, "Build a revision of an overlay if anything changed", a.buildOverlay)),
		overlay.needs(see,
			listOn("/scripts", "listScripts", "List the versions of a script, newest first", byScriptVersion, a.listScripts)),
		overlay.needs(see,
			routeOn(get, "/moves", "showOverlayRestart", 200, "Show the rollout of an automatically built revision to servers",
				a.showOverlayRestart)),
		overlay.needs(content,
			routeOn(del, "/moves", "cancelOverlayRestart", 200, "Cancel a rollout; pending servers keep their revision",
				a.cancelOverlayRestart)),
		loggedIn(route(post, "/workshop/parse", "parseWorkshop", 200, "Find workshop items in a text", a.parseWorkshop)),
		onKind(left4me.OverlayTarget, content,
			route(post, "/workshop/lookup", "lookUpWorkshop", 200, "Query Steam for workshop items", a.lookUpWorkshop)),
		onSite(site,
			route(post, "/content/collect", "collectContent", 202, "Remove unused revisions and downloads", a.collectContent)),
	}
}

// revisionTable lists the routes of overlays' revisions and their files.
func (a overlayRoutes) revisionTable() []entry {
	overlay := a.core.overlays()
	return []entry{
		overlay.needs(see, picture("/picture", "showOverlayPicture", "Show a picture from an add-on of an overlay", a.picture)),
		overlay.needs(content, a.archiveDownload("/revisions/{revision}/archive", "downloadRevision", "Download a revision as an archive")),
		overlay.needs(content,
			a.fileDownload("/revisions/{revision}/raw", "downloadRevisionFile", "Download a file of a revision; supports ranges")),
		overlay.needs(see, routeOn(get, "/diff", "diffOverlay", 200, "Compare two revisions", a.diffOverlay)),
		overlay.needs(see,
			routeOn(get, "/revisions/{revision}", "showRevision", 200, "Show a revision with its warnings, campaigns and items",
				a.showRevision)),
		overlay.needs(content,
			routeOn(post, "/revisions/{revision}/use", "useRevision", 200, "Make a revision the current one", a.useRevision)),
		overlay.needs(content, routeOn(put, "/revisions/{revision}/label", "labelRevision", 200, "Label a revision", a.labelRevision)),
		overlay.needs(content,
			routeOn(del, "/revisions/{revision}", "dropRevision", 200, "Remove an unused revision", a.dropRevision)),
		overlay.needs(see,
			routeOn(get, "/revisions/{revision}/files", "listRevisionFiles", 200, "List the files of a revision", a.listFiles)),
		overlay.needs(content,
			routeOn(get, "/revisions/{revision}/file", "showRevisionFile", 200, "Read a file of a revision",
				a.showFile)), // some files contain passwords of plugins
		overlay.needs(content,
			routeOn(put, "/file", "putOverlayFile", 202, "Add or replace one small file and publish a revision", a.putFile)),
	}
}

// recipeTable lists the routes of script templates.
func (c *core) recipeTable() []entry {
	recipe := c.recipes()
	return []entry{
		onSite(see, list("/recipes", "listRecipes", "List script templates", counted[apitype.Recipe](), listRecipes)),
		recipe.needs(see, routeOn(get, "", "showRecipe", 200, "Show a script template with the given parameters", showRecipe)),
	}
}

// table lists the routes of uploads.
func (a uploadRoutes) table() []entry {
	overlay, upload := a.core.overlays(), a.core.uploads()
	return []entry{
		overlay.needs(content, routeOn(post, "/uploads", "createUpload", 201, "Start an upload for an overlay", a.createUpload)),
		onKind(left4me.OverlayTarget, content,
			list("/uploads", "listUploads", "List your uploads; administrators see all uploads", byTimeOfUpload, a.listUploads)),
		upload.needs(content, routeOn(get, "", "showUpload", 200, "Show an upload and its progress", a.showUpload)),
		upload.needs(content, routeOn(del, "", "deleteUpload", 200, "Delete an upload", a.deleteUpload)),
		upload.needs(content, a.piece("/file", "sendUploadPiece", "Send a piece of a file")),
		upload.needs(content, routeOn(post, "/plan", "planUpload", 200, "Preview what publishing an upload would do", a.planUpload)),
		onSite(see,
			route(get, "/archive-names", "showArchiveNames", 200, "Show the default encoding of archive names, and all encodings",
				a.showArchiveNames)),
		onSite(site,
			route(put, "/archive-names", "setArchiveNames", 200, "Change the default encoding of archive names",
				a.setArchiveNames)),
	}
}

// table lists the routes of backups.
func (a backupRoutes) table() []entry {
	backup := a.core.backups()
	return []entry{
		onSite(see, list("/backups", "listBackups", "List backups, newest first", byTimeOfBackup, a.listBackups)),
		onSite(site, route(post, "/backups", "createBackup", 202, "Create a backup", a.createBackup)),
		backup.needs(site, routeOn(del, "", "deleteBackup", 200, "Delete a backup", a.deleteBackup)),
		backup.needs(site, routeOn(post, "/verify", "verifyBackup", 202, "Verify all files of a backup", a.verifyBackup)),
		backup.needs(site,
			routeOn(get, "/contents", "showBackupContents", 200, "List the servers and overlays in a backup", a.showContents)),
		backup.needs(site,
			routeOn(post, "/restore-server", "restoreServerFromBackup", 202, "Restore one server from a backup", a.restoreServer)),
		backup.needs(site,
			routeOn(post, "/restore-overlay", "restoreOverlayFromBackup", 202, "Restore one overlay from a backup", a.restoreOverlay)),
		backup.needs(site, a.download("/file", "downloadBackup", "Download a backup")),
		onSite(see, route(get, "/backup-policy", "showBackupPolicy", 200, "Show the backup schedule", a.showBackupPolicy)),
		onSite(site, route(put, "/backup-policy", "setBackupPolicy", 200, "Change the backup schedule", a.setBackupPolicy)),
	}
}

// table lists the routes of users, tokens and the user's own account.
func (a accountRoutes) table() []entry {
	user, token := a.core.users(), a.core.tokens()
	return []entry{
		onSite(site, list("/users", "listUsers", "List users", byUserName, a.listUsers)), // hides who the administrators are
		onSite(site, route(post, "/users", "createUser", 201, "Create a user", a.createUser)),
		user.needs(site, routeOn(http.MethodPatch, "", "changeUser", 200, "Change a user and end the user's sessions", a.changeUser)),
		user.needs(site, routeOn(del, "", "deleteUser", 200, "Delete a user and the user's sessions and tokens", a.deleteUser)),
		loggedIn(route(put, "/me/password", "changePassword", 200, "Change your own password and end all your sessions",
			a.changePassword)),
		loggedIn(route(del, "/me/sessions", "signOut", 200, "Sign out everywhere: end all your sessions", a.signOut)),
		loggedIn(route(post, "/tokens", "createToken", 201, "Create a token; administrators can choose any owner", a.createToken)),
		loggedIn(list("/tokens", "listTokens", "List your tokens; administrators see all tokens", byTokenOwner,
			a.listTokens)),
		token.needs(see,
			routeOn(del, "", "revokeToken", 200, "Revoke a token", a.revokeToken)), // users may always revoke their own tokens
	}
}

// table lists the routes of hosts.
func (a hostRoutes) table() []entry {
	host := a.core.hosts()
	return []entry{
		host.needs(site, routeOn(get, "/doctor", "checkHost", 200, "Run all checks of a host", a.hostDoctor)),
		onSite(see, route(get, "/public-address", "showPublicAddress", 200, "Show the address that players connect to", a.showAddress)),
		onSite(site, route(put, "/public-address", "setPublicAddress", 200, "Set the address that players connect to", a.setAddress)),
	}
}
