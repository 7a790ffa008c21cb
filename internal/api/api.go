// Package api is left4me's JSON API: everything that the panel can do, for
// programs and for the command line, under /api/v1, with its OpenAPI 3.1
// description beside it.
//
// A request is parsed, handed to the use case in control and the result is
// rendered; rules live there, not here. Every failure is a problem document
// (RFC 9457) that names the field, and nothing internal is ever shown. Metrics
// and health checks stand outside /api/v1.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/layers"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	prefix    = "/api/v1"
	bodyLimit = 1 << 20
	beatEvery = 15 * time.Second
)

// Deps is what the API speaks for.
type Deps struct {
	Servers  *servers.Servers
	Jobs     *jobs.Jobs
	Content  *overlays.Overlays
	Uploads  *uploads.Uploads
	Layers   *layers.Layers
	Game     *game.Game
	Accounts *accounts.Accounts
	Backups  *backups.Backups
	Hosts    *hosts.Hosts
	Version  string // of the program
	// PublicAddress is LEFT4ME_PUBLIC_ADDRESS: the host that players connect to.
	PublicAddress string
	Ready         func(context.Context) error // nil: always
	Full          func() *left4me.Error       // says what can't be done on a full disk, or nothing; nil: never
	Log           *slog.Logger
}

type api struct {
	Deps
	beat   time.Duration // between heartbeats of a stream
	listed atomic.Pointer[list]
}

// New makes the handler of /api/v1, /healthz, /readyz and /metrics.
func New(d Deps) http.Handler { return (&api{Deps: d, beat: beatEvery}).handler() }

func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	a.routes(a.huma(mux))
	mux.HandleFunc(prefix+"/", a.noRoute(mux))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", a.metrics())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// What names of files and servers make of an answer must not be taken for a page.
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

// huma makes the part that knows about operations, schemas and validation.
func (a *api) huma(mux humago.Mux) huma.API {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "left4me", Version: "1",
				Description: "Left 4 Dead 2 dedicated servers. Everything that takes long answers 202 with a job; follow it at " +
					"/jobs/{id}/events.",
			},
			Servers: []*huma.Server{{URL: prefix}},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {Type: "http", Scheme: "bearer", BearerFormat: accounts.TokenPrefix + "…"},
				},
			},
			Security: []map[string][]string{{"bearer": {}}},
		},
		OpenAPIPath:   "", // served below, so that no other formats and documents come with it
		Formats:       huma.DefaultFormats,
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{ownProblem},
	}
	h := humago.NewWithPrefix(mux, prefix, config)
	h.UseMiddleware(a.guard(h))
	return h
}

// routes is the whole of /api/v1.
func (a *api) routes(h huma.API) {
	get, post, put, del := http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	look, act := accounts.Look, accounts.Act

	a.listServers(h, "/servers", "listServers", "List servers")
	route(h, post, "/servers", "createServer", act, 201, "Create a server", a.createServer)
	route(h, get, "/servers/{name}", "showServer", look, 200, "Show a server", a.showServer)
	route(h, put, "/servers/{name}", "updateServer", act, 200, "Change a server; it applies when the server starts next", a.updateServer)
	route(h, get, "/servers/{name}/config", "showServerConfig", look, 200, "Show what a restart would change in the generated files",
		a.serverConfig)
	route(h, del, "/servers/{name}", "deleteServer", act, 202, "Delete a server and its files", a.deleteServer)
	route(h, post, "/servers/{name}/start", "startServer", act, 202, "Start a server", a.startServer)
	route(h, post, "/servers/{name}/stop", "stopServer", act, 202, "Stop a server", a.stopServer)
	route(h, post, "/servers/{name}/restart", "restartServer", act, 202, "Restart a server", a.restartServer)
	route(h, post, "/servers/{name}/reset", "resetServer", act, 202, "Empty what a server wrote and start it anew", a.resetServer)
	stream[apitype.ConsoleChunk](a, h, "/servers/{name}/console", "followConsole", "Follow a console", "console", a.followConsole)
	route(h, get, "/servers/{name}/console/tail", "readConsoleTail", look, 200, "Read the end of a console", a.tailConsole)
	route(h, post, "/servers/{name}/console", "runCommand", act, 200, "Run a console command", a.runCommand)
	route(h, get, "/servers/{name}/reach", "checkReach", look, 200, "Say why players can't join a server", a.reachServer)
	route(h, get, "/servers/{name}/crashes", "listCrashes", look, 200, "List crashes of a server", a.listCrashes)
	a.fileRoutes(h)
	a.campaignRoutes(h)
	a.recipeRoutes(h)
	stream[apitype.Change](a, h, "/events", "followServers", "Follow which servers change", "server", a.followServers)

	route(h, get, "/jobs", "listJobs", look, 200, "List jobs, newest first", a.listJobs)
	route(h, get, "/jobs/{id}", "showJob", look, 200, "Show a job", a.showJob)
	route(h, post, "/jobs/{id}/cancel", "cancelJob", act, 202, "Cancel a job", a.cancelJob)
	route(h, post, "/jobs/{id}/retry", "retryJob", act, 202, "Retry a job", a.retryJob)
	stream[apitype.Job](a, h, "/jobs/{id}/events", "followJob", "Follow a job until it has ended", "job", a.followJob)

	route(h, get, "/hosts/{host}/game", "showGame", look, 200, "Show the game on a host", a.showGame)
	route(h, post, "/hosts/{host}/game/install", "installGame", act, 202, "Install the game", a.game(left4me.InstallGame))
	route(h, post, "/hosts/{host}/game/update", "updateGame", act, 202, "Update the game", a.game(left4me.UpdateGame))
	route(h, post, "/hosts/{host}/game/verify", "verifyGame", act, 202, "Verify the files of the game and mend them",
		a.game(left4me.VerifyGame))
	route(h, post, "/hosts/{host}/game/rollback", "rollbackGame", act, 202, "Go back to another build of the game",
		a.game(left4me.RollbackGame))
	route(h, post, "/hosts/{host}/game/check", "checkGame", act, 202, "Ask Steam for the newest build", a.game(left4me.CheckGame))
	route(h, post, "/hosts/{host}/game/pin", "pinGame", act, 200, "Pin the current build, or let it go", a.pinGame)
	route(h, get, "/hosts/{host}/game/policy", "showGamePolicy", look, 200, "Show when newer builds are looked for", a.showPolicy)
	route(h, put, "/hosts/{host}/game/policy", "setGamePolicy", act, 200, "Say when newer builds are looked for and installed", a.setPolicy)
	route(h, get, "/hosts/{host}/game/rollout", "showRollout", look, 200, "Show how servers move over to another build", a.showRollout)
	route(h, del, "/hosts/{host}/game/rollout", "cancelRollout", act, 200, "Leave servers that have not moved over as they are",
		a.cancelRollout)
	route(h, get, "/hosts/{host}/doctor", "checkHost", act, 200, "Let a host look at itself", a.hostDoctor)

	route(h, get, "/blueprints", "listBlueprints", look, 200, "List blueprints", a.listBlueprints)
	route(h, post, "/blueprints", "createBlueprint", act, 201, "Create a blueprint", a.createBlueprint)
	route(h, get, "/blueprints/{name}", "showBlueprint", look, 200, "Show a blueprint", a.showBlueprint)
	route(h, put, "/blueprints/{name}", "updateBlueprint", act, 200, "Change a blueprint; servers on it get it when they start next",
		a.updateBlueprint)
	route(h, del, "/blueprints/{name}", "deleteBlueprint", act, 200, "Delete a blueprint that no server uses", a.deleteBlueprint)
	a.overlayRoutes(h)
	route(h, post, "/overlays/{name}/uploads", "createUpload", act, 201, "Begin an upload for an overlay", a.createUpload)
	route(h, get, "/uploads", "listUploads", act, 200, "List your uploads; an administrator's list has everybody's", a.listUploads)
	route(h, get, "/uploads/{id}", "showUpload", act, 200, "Show an upload, and where its files go on", a.showUpload)
	route(h, del, "/uploads/{id}", "deleteUpload", act, 200, "Drop an upload", a.deleteUpload)
	a.uploadPiece(h, "/uploads/{id}/file", "sendUploadPiece", "Send a piece of a file")
	a.downloads(h)
	route(h, post, "/uploads/{id}/plan", "planUpload", act, 200, "Say what publishing an upload would do", a.planUpload)
	route(h, get, "/archive-names", "showArchiveNames", look, 200, "Show the setting of names in archives, and the encodings",
		a.showArchiveNames)
	route(h, put, "/archive-names", "setArchiveNames", act, 200, "Say what names in archives are taken for that are too short to tell",
		a.setArchiveNames)
	route(h, get, "/backups", "listBackups", look, 200, "List backups, newest first", a.listBackups)
	route(h, post, "/backups", "createBackup", act, 202, "Make a backup", a.createBackup)
	route(h, del, "/backups/{name}", "deleteBackup", act, 200, "Delete a backup", a.deleteBackup)
	route(h, post, "/backups/{name}/verify", "verifyBackup", act, 202, "Read a backup from its beginning to its end", a.verifyBackup)
	a.downloadBackup(h, "/backups/{name}/file", "downloadBackup", "Download a backup")
	route(h, get, "/backup-policy", "showBackupPolicy", look, 200, "Show when backups are made", a.showBackupPolicy)
	route(h, http.MethodPut, "/backup-policy", "setBackupPolicy", act, 200, "Say when backups are made", a.setBackupPolicy)

	a.accountRoutes(h)

	spec, err := describe(h)
	if err != nil {
		panic(err) // the description is the same at every start
	}
	h.Adapter().Handle(&huma.Operation{Method: get, Path: "/openapi.json"}, func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", "application/json")
		_, _ = ctx.BodyWriter().Write(spec)
	})
}

// operation describes a route. Generated clients name their functions by id.
func operation(h huma.API, method, path, id string, action accounts.Action, status int, summary string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary,
		DefaultStatus: status, MaxBodyBytes: bodyLimit + 1, // huma refuses what reaches its limit
		Metadata: map[string]any{"action": action},
		Responses: map[string]*huma.Response{"default": {
			Description: "What went wrong",
			Content:     map[string]*huma.MediaType{problemType: {Schema: schemaOf[apitype.Problem](h)}},
		}},
	}
}

// route adds a request with a JSON answer.
func route[I, O any](h huma.API, method, path, id string, action accounts.Action, status int, summary string,
	f func(context.Context, *I) (O, error),
) {
	op := operation(h, method, path, id, action, status, summary)
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
}

// answer is a body in huma's shape.
type answer[T any] struct{ Body T }

// none is a request without anything in it.
type none struct{}

// OpenAPI gives the description of the API as it is served.
func OpenAPI() ([]byte, error) {
	a := &api{}
	h := a.huma(http.NewServeMux())
	a.routes(h)
	return describe(h)
}

// noRoute answers what no route takes: 405 when another method would do.
func (a *api) noRoute(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		probe := r.Clone(r.Context())
		var allowed []string
		for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			probe.Method = m
			if _, pattern := mux.Handler(probe); pattern != prefix+"/" {
				allowed = append(allowed, m)
			}
		}
		if len(allowed) == 0 {
			writeProblem(w, newProblem(http.StatusNotFound, "there is no "+r.URL.Path))
			return
		}
		for _, m := range allowed {
			w.Header().Add("Allow", m)
		}
		writeProblem(w, newProblem(http.StatusMethodNotAllowed, r.Method+" is not possible here"))
	}
}

// ready is for this machine, its network and whoever has a token: under a name a
// page of another site could ask too (see byAddress).
func (a *api) ready(w http.ResponseWriter, r *http.Request) {
	if !byAddress(r) {
		if err := a.allowed(r, accounts.Look); err != nil {
			writeProblem(w, unauthorized(r.Context(), err))
			return
		}
	}
	if a.Ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if err := a.Ready(ctx); err != nil {
			a.Log.Warn("not ready", "err", err)
			plain(w, http.StatusServiceUnavailable, "not ready; the log says why")
			return
		}
	}
	text := "ready"
	if a.full() != nil { // taken out of service, it could stop no servers
		text = "ready, but a disk is full; the log says which"
	}
	plain(w, http.StatusOK, text)
}

func (a *api) full() *left4me.Error {
	if a.Full == nil {
		return nil
	}
	return a.Full()
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}
