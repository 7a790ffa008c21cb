// Package api implements left4me's JSON API under /api/v1, which offers everything that the panel
// can do to programs and to the command line, and serves its OpenAPI 3.1 description.
//
// The package parses requests, calls the use cases in control and renders the results; all rules
// are in control. Each failure is reported as a problem document (RFC 9457) that names the field;
// internal errors are never exposed. Metrics and health checks are served outside /api/v1.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

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
)

const (
	prefix    = "/api/v1"
	bodyLimit = 1 << 20
	beatEvery = 15 * time.Second
)

// Deps are the dependencies of the API.
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
	Version   string                      // version of the program
	Ready     func(context.Context) error // reports whether left4me is ready; nil: always ready
	Full      func() *left4me.Error       // returns what cannot be done because of a full disk, or nil; nil: never full
	Log       *slog.Logger
}

// core is the state shared by all routes.
type core struct {
	Deps
	beat   time.Duration // interval between heartbeats of a stream
	listed atomic.Pointer[serverList]
	// narrow restricts what an actor may see and do, for tests of rights that no user can have yet;
	// nil: no restriction.
	narrow func(accounts.Actor) accounts.Actor
}

// New returns the handler of /api/v1, /healthz, /readyz and /metrics.
func New(d Deps) http.Handler { return (&core{Deps: d, beat: beatEvery}).handler() }

func (c *core) handler() http.Handler {
	mux := http.NewServeMux()
	for _, o := range c.undescribed(c.addTo(c.huma(mux))) {
		mux.HandleFunc(o.method+" "+o.path, c.guardUndescribed(o))
	}
	mux.HandleFunc(prefix+"/", c.noRoute(mux))
	return httpserver.Identified(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Names of files and servers in an answer must not make a browser treat it as a page.
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	}))
}

// huma creates the router that handles operations, schemas and validation.
func (c *core) huma(mux humago.Mux) huma.API {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "left4me", Version: "1",
				Description: "Left 4 Dead 2 dedicated servers. Long-running requests answer 202 with a job; follow it at " +
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
		OpenAPIPath:   "", // the description is served below, without huma's other formats and documents
		Formats:       huma.DefaultFormats,
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{ownProblem},
	}
	h := humago.NewWithPrefix(mux, prefix, config)
	h.UseMiddleware(c.guard(h))
	return h
}

// addTo registers all routes and returns their OpenAPI description.
func (c *core) addTo(h huma.API) []byte {
	for _, e := range c.routes() {
		e.add(h, e.described(h))
	}
	spec, err := describe(h)
	if err != nil {
		panic(err) // cannot happen: tests generate the same description
	}
	return spec
}

// undescribed is a route that is not part of the OpenAPI description.
type undescribed struct {
	method, path string
	needs        need
	// local reports whether a request is exempt from authorization because it comes from this
	// machine; nil: no request is.
	local func(*http.Request) bool
	serve http.HandlerFunc
}

// undescribed returns the routes that are not part of the OpenAPI description spec.
func (c *core) undescribed(spec []byte) []undescribed {
	return []undescribed{
		{get, prefix + "/openapi.json", everybody(), nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(spec)
		}},
		{get, "/healthz", everybody(), nil, func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") }},
		// Accepting other host names would let a page of another site send this request (see
		// byAddress).
		{get, "/readyz", loggedIn(operation{}).needs, byAddress, c.ready},
		{get, "/metrics", onSite(see, operation{}).needs, func(r *http.Request) bool { return direct(r) && byAddress(r) }, c.metrics()},
	}
}

// OpenAPI returns the description of the API as it is served.
func OpenAPI() ([]byte, error) {
	c := &core{}
	h := c.huma(http.NewServeMux())
	return c.addTo(h), nil
}

// noRoute handles requests without a matching route: 405 if the path exists for another method,
// otherwise 404.
func (c *core) noRoute(mux *http.ServeMux) http.HandlerFunc {
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
			writeProblem(w, newProblem(http.StatusNotFound, left4me.NewError(left4me.NotFound, "address.unknown", "path", r.URL.Path)))
			return
		}
		for _, m := range allowed {
			w.Header().Add("Allow", m)
		}
		writeProblem(w, newProblem(http.StatusMethodNotAllowed, left4me.NewError(left4me.Invalid, "address.method", "method", r.Method)))
	}
}

// ready serves /readyz to this machine, its network and owners of a token.
func (c *core) ready(w http.ResponseWriter, r *http.Request) {
	if c.Ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if err := c.Ready(ctx); err != nil {
			c.Log.WarnContext(r.Context(), "not ready", "err", err)
			plain(w, http.StatusServiceUnavailable, "not ready; the log says why")
			return
		}
	}
	text := "ready"
	if c.full() != nil { // still ready: out of service, left4me could not even stop servers
		text = "ready, but a disk is full; the log says which"
	}
	plain(w, http.StatusOK, text)
}

func (c *core) full() *left4me.Error {
	if c.Full == nil {
		return nil
	}
	return c.Full()
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}
