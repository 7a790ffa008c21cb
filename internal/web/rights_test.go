package web_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
	"github.com/left4me/left4me/internal/web"
	pages "github.com/left4me/left4me/internal/web/page"
)

// needs maps the pattern of each route to what it requires: nothing, a login, or a right on a kind of
// target.
var needs = map[string]string{
	"GET /{$}":                                         "login",
	"GET /session":                                     "login",
	"GET /live":                                        "login",
	"POST /live/{stream}":                              "login",
	"POST /theme":                                      "nothing",
	"/":                                                "nothing",
	"GET /login":                                       "nothing",
	"POST /login":                                      "nothing",
	"POST /logout":                                     "nothing",
	"/account":                                         "login",
	"POST /account/password":                           "login",
	"GET /account/password":                            "login",
	"POST /account/signout":                            "login",
	"POST /account/sessions/{id}/end":                  "login",
	"POST /account/tokens":                             "login",
	"GET /account/tokens":                              "login",
	"POST /account/tokens/{id}/revoke":                 "login",
	"/users":                                           "site site",
	"/help":                                            "login",
	"/help/glossary":                                   "login",
	"POST /users":                                      "site site",
	"/users/{name}":                                    "site site",
	"POST /users/{name}/role":                          "site site",
	"POST /users/{name}/disable":                       "site site",
	"POST /users/{name}/enable":                        "site site",
	"POST /users/{name}/password":                      "site site",
	"/users/{name}/delete":                             "site site",
	"POST /users/{name}/delete":                        "site site",
	"GET /users/{name}/role":                           "site site",
	"GET /users/{name}/disable":                        "site site",
	"GET /users/{name}/enable":                         "site site",
	"GET /users/{name}/password":                       "site site",
	"/address":                                         "site site",
	"POST /address":                                    "site site",
	"/servers":                                         "login",
	"/bulk":                                            "login",
	"POST /bulk":                                       "login",
	"POST /bulk/choose":                                "login",
	"GET /bulk/choose":                                 "login",
	"/bulk/{id}":                                       "see server",
	"POST /bulk/{id}/cancel":                           "operate server",
	"/servers/new":                                     "manage server",
	"POST /servers/new":                                "manage server",
	"POST /servers/new/uploads":                        "manage overlay",
	"POST /servers/new/content":                        "manage overlay",
	"GET /servers/new/content":                         "manage overlay",
	"/servers/{name}":                                  "see server",
	"/servers/{name}/console":                          "see server",
	"POST /servers/{name}/console":                     "console server",
	"/servers/{name}/settings":                         "see server",
	"POST /servers/{name}/settings":                    "configure server",
	"/servers/{name}/history":                          "see server",
	"/servers/{name}/files":                            "see server",
	"/servers/{name}/file":                             "configure server",
	"/servers/{name}/written":                          "see server",
	"POST /servers/{name}/written":                     "content server",
	"/servers/{name}/pending":                          "see server",
	"/servers/{name}/compare":                          "see server",
	"GET /servers/{name}/clashes":                      "see server",
	"/servers/{name}/conflicts":                        "see server",
	"/servers/{name}/map":                              "see server",
	"POST /servers/{name}/map":                         "operate server",
	"/servers/{name}/reach":                            "see server",
	"POST /servers/{name}/start":                       "operate server",
	"POST /servers/{name}/stop":                        "operate server",
	"POST /servers/{name}/restart":                     "operate server",
	"/servers/{name}/rename":                           "manage server",
	"POST /servers/{name}/rename":                      "manage server",
	"/servers/{name}/reset":                            "manage server",
	"POST /servers/{name}/reset":                       "manage server",
	"/servers/{name}/delete":                           "manage server",
	"POST /servers/{name}/delete":                      "manage server",
	"/deleted-servers":                                 "login",
	"/deleted-servers/{id}/remove":                     "manage server",
	"POST /deleted-servers/{id}/remove":                "manage server",
	"POST /deleted-servers/{id}/restore":               "manage server",
	"/overlays":                                        "login",
	"POST /overlays/collect":                           "site site",
	"/overlays/new":                                    "manage overlay",
	"POST /overlays/new":                               "manage overlay",
	"POST /overlays/{name}/build":                      "content overlay",
	"POST /overlays/{name}/repair":                     "content overlay",
	"POST /overlays/{name}/rollout/cancel":             "content overlay",
	"POST /overlays/{name}/restore":                    "manage overlay",
	"/overlays/{name}/settings":                        "see overlay",
	"POST /overlays/{name}/settings":                   "configure overlay",
	"/overlays/{name}/rename":                          "manage overlay",
	"POST /overlays/{name}/rename":                     "manage overlay",
	"/overlays/{name}/delete":                          "manage overlay",
	"POST /overlays/{name}/delete":                     "manage overlay",
	"/overlays/{name}/script":                          "see overlay",
	"POST /overlays/{name}/script":                     "configure overlay",
	"/overlays/{name}":                                 "see overlay",
	"/overlays/{name}/file":                            "content overlay",
	"GET /overlays/{name}/download":                    "content overlay",
	"GET /overlays/{name}/archive":                     "content overlay",
	"GET /overlays/{name}/picture":                     "see overlay",
	"/overlays/{name}/remove":                          "content overlay",
	"POST /overlays/{name}/remove":                     "content overlay",
	"GET /overlays/{name}/edit":                        "content overlay",
	"/overlays/{name}/edit":                            "content overlay",
	"POST /overlays/{name}/edit":                       "content overlay",
	"/overlays/{name}/items":                           "see overlay",
	"POST /overlays/{name}/items":                      "configure overlay",
	"POST /overlays/{name}/items/look":                 "configure overlay",
	"/overlays/{name}/items/look":                      "configure overlay",
	"POST /overlays/{name}/items/add":                  "configure overlay",
	"/overlays/{name}/revisions":                       "see overlay",
	"POST /overlays/{name}/revisions/{revision}/use":   "content overlay",
	"POST /overlays/{name}/revisions/{revision}/label": "content overlay",
	"/overlays/{name}/revisions/{revision}/drop":       "content overlay",
	"POST /overlays/{name}/revisions/{revision}/drop":  "content overlay",
	"/overlays/{name}/diff":                            "see overlay",
	"/overlays/{name}/problems":                        "see overlay",
	"/overlays/{name}/campaigns":                       "see overlay",
	"/uploads":                                         "site site",
	"POST /uploads/names":                              "site site",
	"POST /uploads/{id}/drop":                          "content overlay",
	"POST /overlays/{name}/forget":                     "content overlay",
	"/overlays/{name}/upload":                          "content overlay",
	"POST /overlays/{name}/upload":                     "content overlay",
	"POST /overlays/{name}/uploads":                    "content overlay",
	"GET /overlays/{name}/uploads/{id}":                "content overlay",
	"/overlays/{name}/uploads/{id}":                    "content overlay",
	"GET /overlays/{name}/uploads/{id}/state":          "content overlay",
	"PUT /overlays/{name}/uploads/{id}/file":           "content overlay",
	"POST /overlays/{name}/uploads/{id}/publish":       "content overlay",
	"GET /overlays/{name}/uploads/{id}/publish":        "content overlay",
	"POST /overlays/{name}/uploads/{id}/move":          "content overlay",
	"GET /overlays/{name}/uploads/{id}/move":           "content overlay",
	"POST /overlays/{name}/uploads/{id}/drop":          "content overlay",
	"/blueprints":                                      "login",
	"/blueprints/new":                                  "manage blueprint",
	"POST /blueprints/new":                             "manage blueprint",
	"/blueprints/{name}":                               "see blueprint",
	"POST /blueprints/{name}":                          "configure blueprint",
	"/blueprints/{name}/servers":                       "manage blueprint",
	"POST /blueprints/{name}/servers":                  "manage blueprint",
	"/blueprints/{name}/rename":                        "manage blueprint",
	"POST /blueprints/{name}/rename":                   "manage blueprint",
	"/blueprints/{name}/delete":                        "manage blueprint",
	"POST /blueprints/{name}/delete":                   "manage blueprint",
	"/jobs":                                            "login",
	"/jobs/{id}":                                       "see job",
	"POST /jobs/{id}/cancel":                           "job",
	"POST /jobs/{id}/retry":                            "job",
	"/game":                                            "see site",
	"POST /game/install":                               "site site",
	"POST /game/update":                                "site site",
	"POST /game/verify":                                "site site",
	"POST /game/check":                                 "site site",
	"/game/update":                                     "site site",
	"/game/rollback":                                   "site site",
	"POST /game/rollback":                              "site site",
	"POST /game/pin":                                   "site site",
	"POST /game/policy":                                "site site",
	"GET /game/policy":                                 "see site",
	"POST /game/rollout/cancel":                        "site site",
	"/backups":                                         "see site",
	"POST /backups":                                    "site site",
	"POST /backups/policy":                             "site site",
	"GET /backups/policy":                              "see site",
	"GET /backups/{name}/file":                         "site site",
	"POST /backups/{name}/verify":                      "site site",
	"/backups/{name}/delete":                           "site site",
	"/backups/{name}":                                  "site site",
	"/backups/{name}/replace":                          "site site",
	"POST /backups/{name}/restore":                     "site site",
	"POST /backups/{name}/delete":                      "site site",
	"/doctor":                                          "site site",
}

// needOf returns the declaration of a route in the form that needs uses.
func needOf(n pages.Need) string {
	switch {
	case n.Open:
		return "nothing"
	case n.Kind == "":
		return "login"
	}
	return strings.TrimSpace(string(n.Right) + " " + string(n.Kind))
}

// The rights of all routes are listed a second time here, so that a change to the routing table alone
// fails this test.
func TestRoutesDeclareTheirRights(t *testing.T) {
	found := map[string]bool{}
	for _, r := range web.Routes() {
		found[r.Pattern] = true
		if got := needOf(r.Need); got != needs[r.Pattern] {
			t.Errorf("%q declares %q, want %q", r.Pattern, got, needs[r.Pattern])
		}
	}
	for pattern := range needs {
		if !found[pattern] {
			t.Errorf("no route has the pattern %s", pattern)
		}
	}
}

// restricted returns a site with an administrator named only, and the targets to which the rights of
// this user are restricted.
func restricted(t *testing.T) (*site, *atomic.Pointer[accounts.Targets]) {
	var some atomic.Pointer[accounts.Targets]
	some.Store(&accounts.Targets{})
	s := newSiteWith(t, false, func(d web.Deps) http.Handler {
		return web.NewAs(d, func(who accounts.Actor) accounts.Actor {
			if who.Name == "only" {
				who.Only = some.Load()
			}
			return who
		})
	})
	s.on.AddUser(t, "only", true)
	return s, &some
}

// request returns the method of a route and its path for one of the objects of the walk.
func (w *walk) request(pattern string) (method, path string) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		return http.MethodGet, w.path(pattern)
	}
	for prefix, object := range map[string]string{
		"/servers/{name}": "/servers/alpha", "/overlays/{name}": "/overlays/plugins", "/blueprints/{name}": "/blueprints/versus",
		"/deleted-servers/{id}": "/deleted-servers/" + string(goneID),
		"/backups/{name}":       "/backups/b", "/users/{name}": "/users/other", "/jobs/{id}": "/jobs/" + string(w.job.ID),
	} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			path = object + rest
		}
	}
	return method, strings.NewReplacer("uploads/{id}", "uploads/"+w.upload, "{revision}", "1", "{id}", "x", "{stream}", "x", "{$}", "").
		Replace(path)
}

// The test sends a request to each route without a login, as a viewer, as an administrator, and as a
// user with rights on one server.
func TestEveryRouteChecksItsRight(t *testing.T) {
	s, some := restricted(t)
	w := newWalkOf(t, s)
	some.Store(&accounts.Targets{left4me.OnServer("alpha")})
	s.on.AddUser(t, "other", false)
	nobody, guest, admin, only := s.browser(t), s.as(t, "guest"), s.as(t, "admin"), s.as(t, "only")
	for _, r := range web.Routes() {
		need := needs[r.Pattern]
		if need == "nothing" || slices.Contains([]string{"GET /live", "POST /account/signout"}, r.Pattern) {
			continue // GET /live is an endless stream, and signout would end the session
		}
		method, path := w.request(r.Pattern)
		ask := func(b *browser) page {
			return b.do(method, path, "", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
		}
		login := func(p page) bool {
			return p.status == http.StatusSeeOther && strings.HasPrefix(p.header.Get("Location"), "/login")
		}
		check := func(who string, b *browser, want int) {
			t.Helper()
			p := ask(b)
			refused := p.status == http.StatusForbidden || login(p) || b == only && p.status == http.StatusNotFound &&
				strings.Contains(p.body, "This page does not exist")
			if want == 0 && refused || want != 0 && p.status != want {
				t.Errorf("%s requires %q, but %s got status %d, location %q", r.Pattern, need, who, p.status, p.header.Get("Location"))
			}
		}
		if p := ask(nobody); !login(p) {
			t.Errorf("%s: got status %d without a login, want a redirect to the login page", r.Pattern, p.status)
		}
		sees := need == "login" || strings.HasPrefix(need, "see ")
		check("guest", guest, map[bool]int{true: 0, false: http.StatusForbidden}[sees])
		object := strings.Contains(r.Pattern, "{") && need != "login"
		switch {
		case need == "login", strings.HasSuffix(need, " server") && object, strings.HasSuffix(need, "job"):
			check("a user with rights on the server", only, 0)
		case object:
			check("a user with rights on another server", only, http.StatusNotFound)
		default:
			check("a user with rights on a server", only, http.StatusForbidden)
		}
		check("an administrator", admin, 0)
	}
}

// For objects that the user may not view, the panel answers as for objects that do not exist.
func TestHiddenObjectsAnswerLikeMissingOnes(t *testing.T) {
	s, some := restricted(t)
	s.addServer(t, "alpha")
	s.addServer(t, "beta")
	some.Store(&accounts.Targets{left4me.OnServer("alpha"), left4me.Site})
	s.overlay(t, left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay})
	mine := must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.StartServer, "alpha"))(t)
	theirs := must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.StartServer, "beta"))(t)
	only := s.as(t, "only")
	none := "00000000-0000-7000-8000-000000000000"
	for _, v := range [][2]string{
		{"/servers/beta", "/servers/none"},
		{"/servers/beta/settings", "/servers/none/settings"},
		{"/servers/beta/delete", "/servers/none/delete"},
		{"/overlays/maps", "/overlays/none"},
		{"/overlays/maps/download?path=a", "/overlays/none/download?path=a"},
		{"/blueprints/default", "/blueprints/none"},
		{"/jobs/" + string(theirs.ID), "/jobs/" + none},
	} {
		last := func(path string) string { return strings.Split(strings.TrimSuffix(path, "?path=a"), "/")[2] }
		id := []string{"X-Request-Id", "rights"} // equal request ids make the pages comparable
		there := only.get(v[0], id...)
		there.has(t, http.StatusNotFound)
		if not := only.get(v[1], id...); strings.ReplaceAll(there.body, last(v[0]), "X") != strings.ReplaceAll(not.body, last(v[1]), "X") {
			t.Errorf("%s and %s differ:\n%s\n%s", v[0], v[1], there.body, not.body)
		}
		if strings.Contains(v[0], "download") {
			continue
		}
		e := wait(t, only.stream(v[0]+"/live"), "the end of the page", func(e sentEvent) bool { return e.name != "beat" })
		if e.name != "gone" {
			t.Errorf("%s: got first event %s %s, want gone", v[0], e.name, e.data)
		}
	}
	for _, path := range []string{
		"/servers/beta/start", "/servers/beta/console", "/overlays/maps/build",
		"/jobs/" + string(theirs.ID) + "/cancel",
	} {
		only.post(path, "command", "status").has(t, http.StatusNotFound)
	}
	only.post("/servers/alpha/written", "do", "promote", "path", "a", "overlay", "maps").has(t, http.StatusNotFound)
	s.overlay(t, left4me.Overlay{Name: "own", Kind: left4me.FilesOverlay})
	some.Store(&accounts.Targets{left4me.OnServer("alpha"), left4me.OnOverlay("own"), left4me.OnOverlay("maps")})
	u := must(s.uploads.Create(t.Context(), must(s.accounts.User(t.Context(), "only"))(t).Actor, "maps"))(t)
	only.get("/overlays/maps/uploads/"+u.ID+"/state").has(t, http.StatusOK, u.ID)
	only.get("/overlays/own/uploads/"+u.ID+"/state").has(t, http.StatusNotFound)
	only.get("/jobs/"+string(mine.ID)).has(t, http.StatusOK, "/cancel")
	only.post("/jobs/"+string(mine.ID)+"/cancel").has(t, http.StatusSeeOther)
	only.post("/servers/alpha/stop").has(t, http.StatusSeeOther)
	p := only.get("/servers/alpha")
	p.has(t, http.StatusOK, "/servers/alpha/delete", "<button")
	p.hasNot(t, `href="/blueprints/default"`)
}

// Retrying a promotion requires the same right as starting it: the right to take files from the server.
func TestRetryOfPromotionRequiresRightOnServer(t *testing.T) {
	s, some := restricted(t)
	s.addServer(t, "beta")
	s.overlay(t, left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay})
	j := must(s.content.Build(t.Context(), left4me.ByUser("admin"), "maps",
		overlays.Request{Promote: &left4me.Promote{Server: "beta", Paths: []string{"a"}}}))(t)
	must(s.jobs.Cancel(t.Context(), j.ID))(t)
	only := s.as(t, "only")
	own := accounts.Targets{left4me.OnOverlay("maps"), left4me.OnServer("alpha")}
	some.Store(&own)
	only.post("/jobs/"+string(j.ID)+"/retry").has(t, http.StatusForbidden)
	more := append(own, left4me.OnServer("beta"))
	some.Store(&more)
	only.post("/jobs/"+string(j.ID)+"/retry").has(t, http.StatusSeeOther)
}

// unseen is part of the name of every object that the user only may not view.
const unseen = "unseen-"

// others adds objects that the user only may not view, and lets them use objects that the user may view.
func (w *walk) others(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	must(w.content.Create(ctx, left4me.ByUser("admin"), left4me.Overlay{Name: unseen + "overlay", Kind: left4me.FilesOverlay}))(t)
	blueprint := left4me.Blueprint{
		Name:     unseen + "blueprint",
		Overlays: []left4me.OverlayRef{{Name: "plugins"}, {Name: "maps"}, {Name: "made"}},
	}
	must(w.content.Blueprints().Create(ctx, left4me.ByUser("admin"), blueprint))(t)
	w.addServer(t, unseen+"server")
	v := must(w.servers.Get(ctx, unseen+"server"))(t).Server
	v.Blueprint, v.Overlays = "versus", []left4me.OverlayRef{{Name: "plugins"}, {Name: "maps"}, {Name: "made"}}
	must(w.servers.Update(ctx, left4me.ByUser("admin"), v))(t)
	maps := someMaps("maps")
	maps.Revisions[0].Servers = []left4me.Name{unseen + "server"}
	w.host.overlays.has(maps)
	w.tell(t, left4me.Status{
		Name: unseen + "server", State: left4me.Running, Build: 9001, Overlays: []left4me.OverlayRef{{Name: "maps", Revision: 1}},
	})
	game := installed
	game.Builds = slices.Clone(game.Builds)
	game.Builds[0].Servers = []left4me.Name{unseen + "server"}
	w.has(t, game)
	must(w.servers.Act(ctx, left4me.ByUser("admin"), left4me.StopServer, unseen+"server"))(t)
	must(w.content.Build(ctx, left4me.ByUser("admin"), unseen+"overlay",
		overlays.Request{Change: &left4me.Change{Delete: []string{"x"}, Base: left4me.NoRevision}}))(t)
	u := must(w.uploads.Create(ctx, w.admin, unseen+"overlay"))(t)
	must(w.uploads.Write(ctx, w.admin, u.ID, "a.cfg", 0, 3, strings.NewReader("one")))(t)
}

// Neither a page nor its stream names objects that the user may not view. Administrators see their
// names on the same pages.
func TestPagesHideUnviewableObjects(t *testing.T) {
	s, some := restricted(t)
	w := newWalkOf(t, s)
	w.others(t)
	some.Store(&accounts.Targets{
		left4me.OnServer("alpha"), left4me.OnServer("beta"), left4me.OnOverlay("plugins"), left4me.OnOverlay("maps"),
		left4me.OnOverlay("made"),
		left4me.OnBlueprint("versus"), left4me.OnBlueprint("default"), left4me.Site,
		left4me.OnServer(""), left4me.OnOverlay(""), left4me.OnBlueprint(""), // permission to create objects
	})
	admin, only := s.as(t, "admin"), s.as(t, "only")
	named := map[string]bool{}
	for i, pattern := range web.Pages() {
		if i%20 == 19 { // the number of streams of a session is limited
			only = s.as(t, "only")
		}
		path := w.path(pattern)
		named[pattern] = strings.Contains(admin.get(path).body, unseen)
		p := only.get(path)
		p.hasNot(t, unseen)
		if p.status != http.StatusOK {
			t.Errorf("%s: %d", pattern, p.status)
			continue
		}
		wait(t, only.stream(streamOf(t, p)), "the last part of "+pattern, func(e sentEvent) bool {
			if strings.Contains(e.data, unseen) {
				t.Errorf("the stream of %s contains %s", pattern, e.data)
			}
			return strings.Contains(e.data, ` id="full"`)
		})
	}
	for _, pattern := range []string{
		"/servers", "/servers/new", "/servers/{name}/settings", "/servers/{name}/compare", "/servers/{name}/written",
		"/overlays", "/overlays/{name}", "/overlays/{name}/settings", "/overlays/{name}/delete", "/overlays/{name}/revisions", "/uploads",
		"/blueprints", "/blueprints/new", "/blueprints/{name}", "/blueprints/{name}/delete", "/jobs", "/game",
	} {
		if !named[pattern] {
			t.Errorf("%s shows administrators none of the names, so the test proves nothing", pattern)
		}
	}
}

// An open page shows changes only of objects that the user may view, and its stream ends when the
// user's rights change. Both also hold for pages that share a stream.
func TestStreamsHideUnviewableObjects(t *testing.T) {
	s, some := restricted(t)
	s.addServer(t, "alpha")
	s.addServer(t, "beta")
	some.Store(&accounts.Targets{left4me.OnServer("alpha")})
	only := s.as(t, "only")
	list, jobs := only.get("/servers"), only.get("/jobs")
	list.hasNot(t, "beta", `href="/game"`, `href="/backups"`)
	own, shared := only.stream(streamOf(t, list)), only.shared("?session="+sessionOf(t, list))
	shared.follow(only, 1, streamOf(t, list)).has(t, http.StatusNoContent)
	shared.wait(1, "the list", "html ", ` id="full"`)
	shared.follow(only, 2, streamOf(t, jobs)).has(t, http.StatusNoContent)
	shared.wait(2, "the jobs", "html ", ` id="full"`)
	s.tell(t, left4me.Status{Name: "beta", State: left4me.Running})
	must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.StopServer, "beta"))(t)
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Starting})
	must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.StopServer, "alpha"))(t)
	for events, pages := range map[<-chan sentEvent]string{own: "list", shared.events: "list jobs"} {
		missing := strings.Fields(pages) // pages are updated in any order
		wait(t, events, "the update of alpha on the pages "+pages, func(e sentEvent) bool {
			if strings.Contains(e.data, "beta") {
				t.Errorf("the stream contains %s", e.data)
			}
			if strings.Contains(e.data, "server-alpha") && strings.Contains(e.data, ">Starting<") {
				missing = slices.DeleteFunc(missing, func(page string) bool { return page == "list" })
			}
			if strings.HasPrefix(e.data, "2 html ") && strings.Contains(e.data, "/servers/alpha") {
				missing = slices.DeleteFunc(missing, func(page string) bool { return page == "jobs" })
			}
			return len(missing) == 0
		})
	}
	some.Store(&accounts.Targets{left4me.OnServer("beta")})
	s.as(t, "guest").post("/logout") // makes streams check their user again
	ends := func(events <-chan sentEvent) bool {
		for end := time.After(patience); ; {
			select {
			case _, more := <-events:
				if !more {
					return true
				}
			case <-end:
				return false
			}
		}
	}
	if !ends(own) || !ends(shared.events) {
		t.Error("a stream continued after the user's rights changed")
	}
}

// The error of a conflict names the other object only to users who may view it.
func TestConflictsDontNameHiddenObjects(t *testing.T) {
	s, some := restricted(t)
	ctx, admin := t.Context(), left4me.ByUser("admin")
	must(s.content.Blueprints().Create(ctx, admin, left4me.Blueprint{Name: "versus"}))(t)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	must(s.servers.Create(ctx, admin, left4me.Server{Name: "alpha", Overlays: left4me.Refs("plugins")}))(t)
	beta := must(s.servers.Create(ctx, admin, left4me.Server{Name: "before", Blueprint: "versus", Overlays: left4me.Refs("plugins")}))(t)
	// A renamed object keeps its first name on the host.
	must(s.servers.Names().Rename(ctx, admin, "before", "beta", 0))(t)
	must(s.content.Create(ctx, admin, left4me.Overlay{Name: "files-before", Kind: left4me.FilesOverlay}))(t)
	must(s.content.Rename(ctx, admin, "files-before", "files-of-beta", 0))(t)
	must(s.content.Blueprints().Create(ctx, admin, left4me.Blueprint{Name: "of-beta"}))(t)
	seen := accounts.Targets{
		left4me.OnServer("alpha"), left4me.OnBlueprint("versus"), left4me.OnOverlay("plugins"),
		left4me.OnOverlay(""), // permission to create overlays
	}
	all := append(slices.Clone(seen), left4me.OnServer("beta"), left4me.OnOverlay("files-of-beta"), left4me.OnBlueprint("of-beta"))
	only := s.as(t, "only")
	port := strconv.Itoa(beta.Port)
	for what, post := range map[string]func() page{
		"a port": func() page {
			return only.post("/servers/alpha/settings", "version", "1", "blueprint", "default", "port", port, "autostart", "last")
		},
		"a blueprint": func() page { return only.post("/blueprints/versus/delete", "confirm", "versus") },
		"an overlay":  func() page { return only.post("/overlays/plugins/delete", "confirm", "plugins") },
		"a port that an overlay opens": func() page {
			return only.post("/overlays/plugins/settings", "version", "1", "restart", "never", "cfg", "tv_enable 1\ntv_port "+port)
		},
		"the name of a new overlay": func() page {
			return only.post("/overlays/new", "kind", "files", "name", "files-before", "restart", "never")
		},
		"another name of an overlay":  func() page { return only.post("/overlays/plugins/rename", "name", "files-before") },
		"another name of a server":    func() page { return only.post("/servers/alpha/rename", "name", "before") },
		"another name of a blueprint": func() page { return only.post("/blueprints/versus/rename", "name", "of-beta") },
	} {
		some.Store(&all)
		if p := post(); p.status != http.StatusConflict || !strings.Contains(p.body, "beta") {
			t.Errorf("%s: got status %d for a user who may view it, want a conflict that names it\n%s", what, p.status, p.body)
		}
		some.Store(&seen)
		p := post()
		body := strings.ReplaceAll(p.body, `value="of-beta"`, "") // the typed value
		if p.status != http.StatusConflict || strings.Contains(body, "beta") ||
			!strings.Contains(body, "that you do not have permission to view") {
			t.Errorf("%s: got status %d for a user who may not view it, want a conflict without its name\n%s", what, p.status, p.body)
		}
	}
}

// heldBy returns the error for a port that a program of the server uses.
func heldBy(server left4me.Name) *left4me.Error {
	holder := left4me.NewError(left4me.Conflict, "port.holder_server", "server", server, "name", "srcds_linux", "pid", 77)
	return left4me.NewError(left4me.Conflict, "port.in_use_by_program", "port", 27015, "program", holder).InField("port")
}

// Reasons of failures name other objects only to users who may view them, on pages and in their streams.
func TestFailuresDontNameHiddenObjects(t *testing.T) {
	s, some := restricted(t)
	ctx, admin := t.Context(), left4me.ByUser("admin")
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	s.addServer(t, "alpha")
	s.addServer(t, "beta")
	why := left4me.NewError(left4me.Unavailable, "server.start_failed", "reason", heldBy("beta"), "server", "alpha")
	job := must(s.servers.Act(ctx, admin, left4me.StartServer, "alpha"))(t)
	s.host.report(t, s.host.next(t), left4me.JobFailed, why)
	failed := left4me.Status{Name: "alpha", State: left4me.Failed}
	failed.Explain(heldBy("beta"))
	s.tell(t, failed)
	s.host.setChecks([]left4me.Check{{Name: "process", State: left4me.CheckBroken, Text: "it failed: " + failed.Reason}})
	moves := []store.Move{
		{Server: "alpha", State: "failed", Reason: left4me.NewNote("rollout.restart_failed_because", "error", why)},
		{Server: "beta", State: "failed", Reason: left4me.Note{Text: "it is held"}},
	}
	err := errors.Join(s.store.OverlayRestarts().Set(ctx, store.OverlayRestart{
		Overlay: "plugins", Revision: 2, Mode: "empty", State: overlays.RestartFailed, CreatedAt: longAgo, Moves: moves,
		Reason: left4me.NewNote("rollout.not_up_with_revision", "server", "alpha", "revision", 2, "reason", why),
	}), s.store.Game().SetRollout(ctx, store.Rollout{
		Host: left4me.LocalHost, Mode: "empty", State: "failed", Build: 9002, By: admin, CreatedAt: longAgo, Moves: moves[1:],
		Reason: left4me.NewNote("rollout.not_up_on_build", "server", "beta", "build", 9002),
	}))
	if err != nil {
		t.Fatal(err)
	}
	s.has(t, installed)
	some.Store(&accounts.Targets{left4me.OnServer("alpha"), left4me.OnOverlay("plugins"), left4me.Site})
	one, only := s.as(t, "admin"), s.as(t, "only")
	for _, path := range []string{
		"/servers", "/servers/alpha", "/servers/alpha/history", "/servers/alpha/reach", "/jobs", "/jobs/" + string(job.ID),
		"/overlays/plugins", "/game",
	} {
		names := func(b *browser) (named bool) {
			p := b.get(path)
			p.has(t, http.StatusOK)
			named = strings.Contains(p.body, "beta")
			wait(t, b.stream(streamOf(t, p)), "the last part of "+path, func(e sentEvent) bool {
				named = named || strings.Contains(e.data, "beta")
				return strings.Contains(e.data, ` id="full"`)
			})
			return named
		}
		if !names(one) {
			t.Errorf("%s shows administrators no name, so the test proves nothing", path)
		}
		if names(only) {
			t.Errorf("%s names beta to a user who may not view it", path)
		}
	}
	only.get("/servers/alpha").has(t, http.StatusOK, "that you do not have permission to view", "27015")
	// If a part of a page cannot be updated, the reason replaces it.
	err = s.bus.Answer(s.on.Ctx, bus.Command(left4me.LocalHost, bus.VerbUpper), func(context.Context, string, []byte) (any, error) {
		return nil, left4me.NewError(left4me.Busy, "layer.server_starting", "dir", "overlays/plugins/2", "server", "beta")
	})
	if err != nil {
		t.Fatal(err)
	}
	const hidden = "he request conflicts with an object that you do not have permission to view"
	only.get("/servers/alpha/written").has(t, http.StatusTooManyRequests, hidden)
	for b, want := range map[*browser]string{one: "is in use: server beta is starting", only: hidden} {
		e := wait(t, b.stream("/servers/alpha/written/live"), "the reason for the missing files", func(e sentEvent) bool {
			return strings.Contains(e.data, "is in use: server") || strings.Contains(e.data, hidden)
		})
		if !strings.Contains(e.data, want) {
			t.Errorf("got event %s, want %q", e.data, want)
		}
	}
	only.get("/game").has(t, http.StatusOK, "server that you do not have permission to view did not come up")
	// A command sent without a script is answered in the same way.
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running})
	s.host.mu.Lock()
	s.host.refuses = left4me.NewError(left4me.Busy, "layer.server_starting", "dir", "overlays/plugins/2", "server", "beta")
	s.host.mu.Unlock()
	one.post("/servers/alpha/console", "command", "status").has(t, http.StatusTooManyRequests, "is in use: server beta is starting")
	p := only.post("/servers/alpha/console", "command", "status")
	p.has(t, http.StatusTooManyRequests, hidden)
	p.hasNot(t, "beta")
}

// Rights belong to an object and not to its name: after a rename they apply to the new name, and an
// object that had this name before does not get them.
func TestRightsFollowRenamedServer(t *testing.T) {
	s, some := restricted(t)
	ctx, admin := t.Context(), left4me.ByUser("admin")
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	first := must(s.servers.Create(ctx, admin, left4me.Server{Name: "alpha", Overlays: left4me.Refs("plugins")}))(t).Target()
	next := must(s.servers.Create(ctx, admin, left4me.Server{Name: "other", Overlays: left4me.Refs("plugins")}))(t).Target()
	must(s.servers.Names().Rename(ctx, admin, "alpha", "omega", 0))(t)
	next.Name = "omega" // its target has a name that another server has now
	only := s.as(t, "only")
	for on, want := range map[left4me.Target]string{first: "omega", next: "other"} {
		some.Store(&accounts.Targets{on, left4me.OnOverlay("plugins")})
		hidden := map[string]string{"omega": "other", "other": "omega"}[want]
		p := only.get("/overlays/plugins/settings")
		if p.has(t, http.StatusOK, "/servers/"+want); strings.Contains(p.body, "/servers/"+hidden) {
			t.Errorf("a user with rights on %s sees %s", want, hidden)
		}
		if p := only.get("/servers/" + want); !strings.Contains(p.body, "/rename") {
			t.Errorf("a user with all rights on %s may not rename it: %s", want, p.body)
		}
	}
}
