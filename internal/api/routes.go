package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	get  = http.MethodGet
	post = http.MethodPost
	put  = http.MethodPut
	del  = http.MethodDelete

	look = accounts.Look
	act  = accounts.Act
)

// entry is one route of /api/v1. Generated clients name their functions by its id.
type entry struct {
	method, path, id string
	action           accounts.Action // that whoever asks must be allowed
	status           int             // of a success
	summary          string
	add              func(huma.API, huma.Operation)
}

// operation describes a route.
func (e entry) operation(h huma.API) huma.Operation {
	return huma.Operation{
		OperationID: e.id, Method: e.method, Path: e.path, Summary: e.summary,
		DefaultStatus: e.status, MaxBodyBytes: bodyLimit + 1, // huma refuses what reaches its limit
		Metadata: map[string]any{"action": e.action},
		Responses: map[string]*huma.Response{"default": {
			Description: "What went wrong",
			Content:     map[string]*huma.MediaType{problemType: {Schema: schemaOf[apitype.Problem](h)}},
		}},
	}
}

// route is a request with a JSON answer.
func route[I, O any](method, path, id string, action accounts.Action, status int, summary string,
	f func(context.Context, *I) (O, error),
) entry {
	return entry{method, path, id, action, status, summary, func(h huma.API, op huma.Operation) {
		huma.Register(h, op, func(ctx context.Context, in *I) (*answer[O], error) {
			out, err := f(ctx, in)
			if err != nil {
				return nil, problemOf(ctx, err)
			}
			if v := reflect.ValueOf(&out).Elem(); v.Kind() == reflect.Slice && v.IsNil() {
				v.Set(reflect.MakeSlice(v.Type(), 0, 0)) // a list without entries is empty, not null
			}
			return &answer[O]{Body: out}, nil
		})
	}}
}

// answer is a body in huma's shape.
type answer[T any] struct{ Body T }

// none is a request without anything in it.
type none struct{}

// routes is the whole of /api/v1.
func (c *core) routes() []entry {
	return slices.Concat(
		serverRoutes{c}.table(),
		serverRoutes{c}.fileTable(),
		jobRoutes{c}.table(),
		gameRoutes{c}.table(),
		blueprintRoutes{c}.table(),
		overlayRoutes{c}.table(),
		overlayRoutes{c}.revisionTable(),
		recipeTable(),
		uploadRoutes{c}.table(),
		backupRoutes{c}.table(),
		accountRoutes{c}.table(),
		hostRoutes{c}.table(),
	)
}

// table are the servers, their consoles and what they can play.
func (a serverRoutes) table() []entry {
	return []entry{
		listBytes[ListInput, apitype.GameServer]("/servers", "listServers", look, "List servers", a.list),
		route(post, "/servers", "createServer", act, 201, "Create a server", a.createServer),
		route(get, "/servers/{name}", "showServer", look, 200, "Show a server", a.showServer),
		route(put, "/servers/{name}", "updateServer", act, 200, "Change a server; it applies when the server starts next", a.updateServer),
		route(get, "/servers/{name}/config", "showServerConfig", look, 200, "Show what a restart would change in the generated files",
			a.serverConfig),
		route(del, "/servers/{name}", "deleteServer", act, 202, "Delete a server and its files", a.deleteServer),
		route(post, "/servers/{name}/start", "startServer", act, 202, "Start a server", a.startServer),
		route(post, "/servers/{name}/stop", "stopServer", act, 202, "Stop a server", a.stopServer),
		route(post, "/servers/{name}/restart", "restartServer", act, 202, "Restart a server", a.restartServer),
		route(post, "/servers/{name}/reset", "resetServer", act, 202, "Empty what a server wrote and start it anew", a.resetServer),
		stream[apitype.ConsoleChunk](a.core, "/servers/{name}/console", "followConsole", "Follow a console", "console", a.followConsole),
		route(get, "/servers/{name}/console/tail", "readConsoleTail", look, 200, "Read the end of a console", a.tailConsole),
		route(post, "/servers/{name}/console", "runCommand", act, 200, "Run a console command", a.runCommand),
		route(get, "/servers/{name}/reach", "checkReach", look, 200, "Say why players can't join a server", a.reachServer),
		list("/servers/{name}/crashes", "listCrashes", look, "List crashes of a server", byTimeOfCrash, a.listCrashes),
		stream[apitype.Change](a.core, "/events", "followServers", "Follow which servers change", "server", a.followServers),
		list("/servers/{name}/campaigns", "listServerCampaigns", look, "List what a server can play", counted[left4me.Campaign](),
			a.serverCampaigns),
		list("/servers/{name}/clashes", "listServerClashes", look, "Say what the overlays of a server have in common",
			counted[left4me.Warning](), a.serverClashes),
		route(post, "/servers/{name}/map", "changeMap", act, 200, "Change the map of a server that runs", a.changeMap),
		picture("/servers/{name}/picture", "showServerPicture", "Show a picture of an add-on that a server has", a.picture),
	}
}

// fileTable are the files of servers.
func (a serverRoutes) fileTable() []entry {
	return []entry{
		route(get, "/servers/{name}/files", "listServerFiles", look, 200, "List what a server sees: its layers merged", a.serverFiles),
		route(get, "/servers/{name}/file", "showServerFile", act, 200, "Read a file as a server sees it",
			a.serverFile), // passwords of plugins stand in some
		route(get, "/servers/{name}/written", "listWrittenFiles", look, 200, "List what a server wrote over its layers", a.serverWritten),
		route(post, "/servers/{name}/written/discard", "discardWrittenFiles", act, 202, "Drop files that a stopped server wrote",
			a.discardWritten),
		route(get, "/servers/{name}/pending", "listPendingFiles", look, 200, "List the files that a restart would change", a.serverPending),
		route(get, "/servers/{name}/compare/{other}", "compareServers", look, 200, "List how the files of two servers differ",
			a.compareServers),
	}
}

// table are the jobs.
func (a jobRoutes) table() []entry {
	return []entry{
		list("/jobs", "listJobs", look, "List jobs, newest first", byJobID, a.listJobs),
		route(get, "/jobs/{id}", "showJob", look, 200, "Show a job", a.showJob),
		route(post, "/jobs/{id}/cancel", "cancelJob", act, 202, "Cancel a job", a.cancelJob),
		route(post, "/jobs/{id}/retry", "retryJob", act, 202, "Retry a job", a.retryJob),
		stream[apitype.Job](a.core, "/jobs/{id}/events", "followJob", "Follow a job until it has ended", "job", a.followJob),
	}
}

// table are the builds of the game on a host.
func (a gameRoutes) table() []entry {
	return []entry{
		route(get, "/hosts/{host}/game", "showGame", look, 200, "Show the game on a host", a.showGame),
		route(post, "/hosts/{host}/game/install", "installGame", act, 202, "Install the game", a.game(left4me.InstallGame)),
		route(post, "/hosts/{host}/game/update", "updateGame", act, 202, "Update the game", a.game(left4me.UpdateGame)),
		route(post, "/hosts/{host}/game/verify", "verifyGame", act, 202, "Verify the files of the game and mend them",
			a.game(left4me.VerifyGame)),
		route(post, "/hosts/{host}/game/rollback", "rollbackGame", act, 202, "Go back to another build of the game",
			a.game(left4me.RollbackGame)),
		route(post, "/hosts/{host}/game/check", "checkGame", act, 202, "Ask Steam for the newest build", a.game(left4me.CheckGame)),
		route(post, "/hosts/{host}/game/pin", "pinGame", act, 200, "Pin the current build, or let it go", a.pinGame),
		route(get, "/hosts/{host}/game/policy", "showGamePolicy", look, 200, "Show when newer builds are looked for", a.showPolicy),
		route(put, "/hosts/{host}/game/policy", "setGamePolicy", act, 200, "Say when newer builds are looked for and installed",
			a.setPolicy),
		route(get, "/hosts/{host}/game/rollout", "showRollout", look, 200, "Show how servers move over to another build", a.showRollout),
		route(del, "/hosts/{host}/game/rollout", "cancelRollout", act, 200, "Leave servers that have not moved over as they are",
			a.cancelRollout),
	}
}

// table are the blueprints.
func (a blueprintRoutes) table() []entry {
	return []entry{
		list("/blueprints", "listBlueprints", look, "List blueprints", byBlueprintName, a.listBlueprints),
		route(post, "/blueprints", "createBlueprint", act, 201, "Create a blueprint", a.createBlueprint),
		route(get, "/blueprints/{name}", "showBlueprint", look, 200, "Show a blueprint", a.showBlueprint),
		route(put, "/blueprints/{name}", "updateBlueprint", act, 200, "Change a blueprint; servers on it get it when they start next",
			a.updateBlueprint),
		route(del, "/blueprints/{name}", "deleteBlueprint", act, 200, "Delete a blueprint that no server uses", a.deleteBlueprint),
	}
}

// table are the overlays and where their content comes from.
func (a overlayRoutes) table() []entry {
	return []entry{
		list("/overlays", "listOverlays", look, "List overlays, deleted ones at the end", byOverlayName, a.listOverlays),
		route(post, "/overlays", "createOverlay", act, 201, "Create an overlay; nothing is built yet", a.createOverlay),
		route(get, "/overlays/{name}", "showOverlay", look, 200, "Show an overlay", a.showOverlay),
		route(put, "/overlays/{name}", "changeOverlay", act, 200, "Change what an overlay is made of; nothing is built yet",
			a.changeOverlay),
		route(del, "/overlays/{name}", "deleteOverlay", act, 202, "Delete an overlay; it can be taken back for some days", a.deleteOverlay),
		route(post, "/overlays/{name}/restore", "restoreOverlay", act, 202, "Take a deleted overlay back", a.restoreOverlay),
		route(post, "/overlays/{name}/build", "buildOverlay", act, 202, "Make a revision of an overlay, if anything changed",
			a.buildOverlay),
		list("/overlays/{name}/scripts", "listScripts", look, "List the versions of a script, newest first", byScriptVersion,
			a.listScripts),
		route(get, "/overlays/{name}/moves", "showOverlayRestart", look, 200,
			"Show how servers move over to a revision that came by itself", a.showOverlayRestart),
		route(del, "/overlays/{name}/moves", "cancelOverlayRestart", act, 200, "Leave servers that have not moved over as they are",
			a.cancelOverlayRestart),
		route(post, "/workshop/parse", "parseWorkshop", look, 200, "Find workshop items in a text", a.parseWorkshop),
		route(post, "/workshop/lookup", "lookUpWorkshop", act, 200, "Ask Steam about workshop items", a.lookUpWorkshop),
		route(post, "/content/collect", "collectContent", act, 202, "Remove revisions and downloads that nothing needs", a.collectContent),
	}
}

// revisionTable are the revisions of overlays and their files.
func (a overlayRoutes) revisionTable() []entry {
	return []entry{
		picture("/overlays/{name}/picture", "showOverlayPicture", "Show a picture of an add-on of an overlay", a.picture),
		a.archiveDownload("/overlays/{name}/revisions/{revision}/archive", "downloadRevision", "Download a revision as an archive"),
		a.fileDownload("/overlays/{name}/revisions/{revision}/raw", "downloadRevisionFile", "Download a file of a revision, also in parts"),
		route(get, "/overlays/{name}/diff", "diffOverlay", look, 200, "Say how two revisions differ", a.diffOverlay),
		route(get, "/overlays/{name}/revisions/{revision}", "showRevision", look, 200,
			"Show a revision with its warnings, campaigns and items", a.showRevision),
		route(post, "/overlays/{name}/revisions/{revision}/use", "useRevision", act, 200, "Let servers start with a revision",
			a.useRevision),
		route(put, "/overlays/{name}/revisions/{revision}/label", "labelRevision", act, 200, "Name a revision", a.labelRevision),
		route(del, "/overlays/{name}/revisions/{revision}", "dropRevision", act, 200, "Remove a revision that nothing uses",
			a.dropRevision),
		route(get, "/overlays/{name}/revisions/{revision}/files", "listRevisionFiles", look, 200, "List the files of a revision",
			a.listFiles),
		route(get, "/overlays/{name}/revisions/{revision}/file", "showRevisionFile", act, 200, "Read a file of a revision",
			a.showFile), // passwords of plugins stand in some
		route(put, "/overlays/{name}/file", "putOverlayFile", act, 202, "Make a revision with one small file more, or another one",
			a.putFile),
	}
}

// recipeTable are the scripts to begin with.
func recipeTable() []entry {
	return []entry{
		list("/recipes", "listRecipes", look, "List scripts to begin with", counted[apitype.Recipe](), listRecipes),
		route(get, "/recipes/{id}", "showRecipe", look, 200, "Show a script to begin with, with chosen values", showRecipe),
	}
}

// table are the uploads.
func (a uploadRoutes) table() []entry {
	return []entry{
		route(post, "/overlays/{name}/uploads", "createUpload", act, 201, "Begin an upload for an overlay", a.createUpload),
		list("/uploads", "listUploads", act, "List your uploads; an administrator's list has everybody's", byTimeOfUpload, a.listUploads),
		route(get, "/uploads/{id}", "showUpload", act, 200, "Show an upload, and where its files go on", a.showUpload),
		route(del, "/uploads/{id}", "deleteUpload", act, 200, "Drop an upload", a.deleteUpload),
		a.piece("/uploads/{id}/file", "sendUploadPiece", "Send a piece of a file"),
		route(post, "/uploads/{id}/plan", "planUpload", act, 200, "Say what publishing an upload would do", a.planUpload),
		route(get, "/archive-names", "showArchiveNames", look, 200, "Show the setting of names in archives, and the encodings",
			a.showArchiveNames),
		route(put, "/archive-names", "setArchiveNames", act, 200, "Say what names in archives are taken for that are too short to tell",
			a.setArchiveNames),
	}
}

// table are the backups.
func (a backupRoutes) table() []entry {
	return []entry{
		list("/backups", "listBackups", look, "List backups, newest first", byTimeOfBackup, a.listBackups),
		route(post, "/backups", "createBackup", act, 202, "Make a backup", a.createBackup),
		route(del, "/backups/{name}", "deleteBackup", act, 200, "Delete a backup", a.deleteBackup),
		route(post, "/backups/{name}/verify", "verifyBackup", act, 202, "Read a backup from its beginning to its end", a.verifyBackup),
		a.download("/backups/{name}/file", "downloadBackup", "Download a backup"),
		route(get, "/backup-policy", "showBackupPolicy", look, 200, "Show when backups are made", a.showBackupPolicy),
		route(put, "/backup-policy", "setBackupPolicy", act, 200, "Say when backups are made", a.setBackupPolicy),
	}
}

// table are the users, tokens and what people do with their own account.
func (a accountRoutes) table() []entry {
	return []entry{
		list("/users", "listUsers", act, "List users", byUserName, a.listUsers), // who is an administrator is not for everybody
		route(post, "/users", "createUser", act, 201, "Create a user", a.createUser),
		route(http.MethodPatch, "/users/{name}", "changeUser", act, 200, "Change a user, and end its sessions", a.changeUser),
		route(del, "/users/{name}", "deleteUser", act, 200, "Delete a user with its sessions and tokens", a.deleteUser),
		route(put, "/me/password", "changePassword", look, 200, "Change your own password, and end all your sessions", a.changePassword),
		route(del, "/me/sessions", "signOut", look, 200, "Sign out everywhere: end all your sessions", a.signOut),
		route(post, "/tokens", "createToken", look, 201, "Create a token for yourself; an administrator for anybody", a.createToken),
		list("/tokens", "listTokens", look, "List your own tokens; an administrator's list has everybody's", byTokenOwner, a.listTokens),
		route(del, "/tokens/{id}", "revokeToken", look, 200, "Revoke a token", a.revokeToken), // anybody may take back what stands for them
	}
}

// table are the checks of a host.
func (a hostRoutes) table() []entry {
	return []entry{
		route(get, "/hosts/{host}/doctor", "checkHost", act, 200, "Let a host look at itself", a.hostDoctor),
	}
}
