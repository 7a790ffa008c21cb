package api_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/api"
	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

const (
	rightsDocument          = "../../docs/api.md"
	rightsBegin, rightsStop = "<!-- rights -->\n", "<!-- end of rights -->\n"
)

// operationOf returns the name of a route in docs/api.md.
func operationOf(n api.Need) string {
	return cmp.Or(n.ID, strings.TrimPrefix(n.Path, "/api/v1"))
}

// needOf returns the right and the target that docs/api.md must list for a route.
func needOf(n api.Need) (right, on string) {
	switch {
	case n.Everybody:
		return "nothing", ""
	case n.Right == "":
		return "a login", n.On
	}
	return n.Right, n.On
}

// docs/api.md must list the rights of the table of routes.
func TestRightsAreDocumented(t *testing.T) {
	by := map[string][]string{}
	for _, n := range api.Needs() {
		right, on := needOf(n)
		row := fmt.Sprintf("| %s | %s |", right, on)
		by[row] = append(by[row], "`"+operationOf(n)+"`")
	}
	table := "| right | on | operations |\n| --- | --- | --- |\n"
	for _, row := range slices.Sorted(func(yield func(string) bool) {
		for row := range by {
			if !yield(row) {
				return
			}
		}
	}) {
		slices.Sort(by[row])
		table += row + " " + strings.Join(by[row], ", ") + " |\n"
	}
	text := string(must(os.ReadFile(rightsDocument))(t))
	head, rest, ok := strings.Cut(text, rightsBegin)
	_, tail, ok2 := strings.Cut(rest, rightsStop)
	if !ok || !ok2 {
		t.Fatalf("%s has no markers for the table of rights", rightsDocument)
	}
	want := head + rightsBegin + table + rightsStop + tail
	if *update {
		if err := os.WriteFile(rightsDocument, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != text {
		t.Errorf("%s differs from the table of routes; to update it: go test ./internal/api -run RightsAreDocumented -update\n%s",
			rightsDocument, table)
	}
}

// documentedRights returns the right and target of each operation from docs/api.md.
// TestEachRouteChecksRight compares the answers with them, so that an accidental change of a right
// fails there, too.
func documentedRights(t *testing.T) map[string][2]string {
	t.Helper()
	_, rest, _ := strings.Cut(string(must(os.ReadFile(rightsDocument))(t)), rightsBegin)
	table, _, _ := strings.Cut(rest, rightsStop)
	all := map[string][2]string{}
	for _, line := range strings.Split(table, "\n") {
		if cells := strings.Split(line, " | "); len(cells) == 3 {
			for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[2], -1) {
				all[m[1]] = [2]string{strings.TrimPrefix(cells[0], "| "), cells[1]}
			}
		}
	}
	return all
}

// Each object in a path must be the target of a right or belong to the user's account.
func TestRoutesWithNameHaveTarget(t *testing.T) {
	of := map[string]string{
		"/servers/{name}": "server", "/deleted-servers/{id}": "server",
		"/overlays/{name}": "overlay", "/blueprints/{name}": "blueprint", "/jobs/{id}": "job",
		"/uploads/{id}": "overlay", "/hosts/{host}": "site", "/backups/{name}": "site", "/users/{name}": "site", "/recipes/{id}": "site",
		"/tokens/{id}": "account", "/bulk/{id}": "servers",
	}
	for _, n := range api.Needs() {
		object, below, named := strings.Cut(strings.TrimPrefix(n.Path, "/api/v1"), "}")
		if !named {
			if n.On == "job" {
				t.Errorf("%s %s has a target but no name in its path", n.Method, n.Path)
			}
			continue
		}
		if want := of[object+"}"]; want == "" || n.On != want || want != "account" && want != "servers" && n.Right == "" {
			t.Errorf("%s %s needs %q on %q, want a right on %q", n.Method, n.Path, n.Right, n.On, want)
		}
		for _, part := range regexp.MustCompile(`\{\w+\}`).FindAllString(below, -1) {
			if part != "{revision}" && part != "{other}" { // {revision} belongs to the object; TestSecondObjectNeedsRight covers {other}
				t.Errorf("%s %s: the target of %s is unknown", n.Method, n.Path, part)
			}
		}
	}
}

// rightsSite returns a site with two objects of each kind, and queued jobs.
func rightsSite(t *testing.T) (s *site, ids map[string]string) {
	t.Helper()
	s = newSite(t)
	s.installed(t)
	s.host.set(func() {
		s.host.work = false
		s.host.mounts = []left4me.Name{"alpha", "beta"}
		s.host.plan = func(bus.PlanRequest) left4me.Plan { return left4me.Plan{} }
	})
	ids = map[string]string{}
	do := func(method, path, body string) string {
		t.Helper()
		var v struct{ ID string }
		s.call(t, method, "/api/v1"+path, body).into(t, &v)
		return v.ID
	}
	for _, name := range []string{"alpha", "beta"} {
		do("POST", "/servers", `{"name":"`+name+`","overlays":["maps"]}`)
		do("POST", "/blueprints", `{"name":"`+name+`"}`)
		do("POST", "/overlays", `{"name":"`+name+`","kind":"files"}`)
	}
	for _, name := range []left4me.Name{"alpha", "beta"} {
		v := left4me.Server{ID: store.NewID(time.Now()), Name: name, Host: left4me.LocalHost, Port: 1}
		d := left4me.DeletedServer{Server: v, DeletedAt: time.Now(), GoneAt: time.Now().Add(time.Hour)}
		if err := s.store.DeletedServers().Add(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"alpha", "beta", "alpha", "beta"} {
		ids["job "+name] = do("POST", "/servers/"+name+"/stop", "")
		do("POST", "/jobs/"+ids["job "+name]+"/cancel", "")
	}
	for _, name := range []string{"alpha", "beta"} {
		ids["job "+name] = do("POST", "/servers/"+name+"/start", "")
		ids["upload "+name] = do("POST", "/overlays/"+name+"/uploads", "")
	}
	ids["job site"] = do("POST", "/backups", "")
	moves := store.OverlayRestart{
		Overlay: "alpha", Revision: 2, Mode: "empty", State: "running", CreatedAt: time.Now(),
		Moves: []store.Move{{Server: "alpha", State: "moved"}, {Server: "beta", State: "moved"}},
	}
	if err := s.store.OverlayRestarts().Set(t.Context(), moves); err != nil {
		t.Fatal(err)
	}
	return s, ids
}

// withID reports whether a route identifies its object by an id, and the kind of object.
func withID(n api.Need) (noun string, ok bool) {
	noun, _, ok = strings.Cut(strings.TrimPrefix(n.Path, "/api/v1/"), "s/{id}")
	return noun, ok && (noun == "job" || noun == "upload")
}

// pathTo returns the path of a route for the object called name.
func pathTo(n api.Need, name string, ids map[string]string) string {
	id := name
	if noun, ok := withID(n); ok {
		id = cmp.Or(ids[noun+" "+name], name)
	}
	path := strings.NewReplacer("{name}", name, "{id}", id, "{host}", "local", "{revision}", "1", "{other}", name).Replace(n.Path)
	return path + "?path=x&file=a.vpk&image=a.jpg"
}

// ask sends a request with the minimum that the route accepts, and returns the answer, or the
// beginning of a stream.
func (s *site) ask(t *testing.T, n api.Need, path, token string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r := must(http.NewRequestWithContext(ctx, n.Method, s.url+path, strings.NewReader(`{}`)))(t)
	r.Header.Set("Content-Type", "application/json")
	if n.ID == "sendUploadPiece" || n.ID == "putOverlayFile" {
		r.Header.Set("Content-Type", "application/octet-stream")
	}
	r.Header.Set("X-Forwarded-For", "192.0.2.1") // a remote client
	r.Header.Set("X-Request-Id", "rights")       // equal in answers that are compared
	r.Host = "panel.example.org"
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp := must(http.DefaultClient.Do(r))(t)
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if resp.Header.Get("Content-Type") != "text/event-stream" {
		a.body = must(io.ReadAll(resp.Body))(t)
	}
	return a
}

// lets reports whether the answer shows that the actor has the right.
func (a answer) lets() bool {
	return a.status != http.StatusUnauthorized && a.status != http.StatusForbidden
}

// Requests without login, of a guest and of an administrator are answered according to docs/api.md.
func TestEachRouteChecksRight(t *testing.T) {
	s, ids := rightsSite(t)
	documented := documentedRights(t)
	others := s.token(t, "others", true) // requests use its own tokens and password instead of another user's
	for _, n := range api.Needs() {
		said, ok := documented[operationOf(n)]
		if !ok {
			t.Errorf("%s %s is not documented", n.Method, n.Path)
			continue
		}
		right := said[0]
		for token, may := range map[string]bool{
			"":      right == "nothing",
			s.guest: right == "nothing" || right == "a login" || right == "see",
			others:  true,
		} {
			want, who := http.StatusForbidden, "a guest"
			switch token {
			case "":
				want, who = http.StatusUnauthorized, "nobody"
			case others:
				who = "an administrator"
			}
			a := s.ask(t, n, pathTo(n, "alpha", ids), token)
			if may && !a.lets() || !may && a.status != want {
				t.Errorf("%s %s, which needs %s: %s is answered %d %.300s", n.Method, n.Path, right, who, a.status, a.body)
			}
		}
	}
}

// For an actor with rights on one server only, every route reports other servers as unknown.
func TestInvisibleObjectsAreReportedAsUnknown(t *testing.T) {
	s, ids := rightsSite(t)
	some := s.token(t, "some", true)
	s.narrow("some", left4me.OnServer("alpha"))
	for _, n := range api.Needs() {
		switch {
		case n.Everybody || n.Right == "":
			if a := s.ask(t, n, pathTo(n, "beta", ids), some); !a.lets() {
				t.Errorf("%s %s needs a login: %d %s", n.Method, n.Path, a.status, a.body)
			}
			continue
		case n.On == "site" || !strings.Contains(n.Path, "{"):
			if a := s.ask(t, n, pathTo(n, "beta", ids), some); a.status != http.StatusForbidden {
				t.Errorf("%s %s needs a right on the site: %d %s", n.Method, n.Path, a.status, a.body)
			}
			continue
		}
		const none, noID = "gamma", "aaaaaaaaaaaaaaaaaaaaaaaaaa"
		there, not := pathTo(n, "beta", ids), pathTo(n, none, nil)
		if _, ok := withID(n); ok {
			not = strings.ReplaceAll(pathTo(n, noID, nil), none, noID)
		}
		hidden, missing := s.ask(t, n, there, some), s.ask(t, n, not, some)
		text := strings.NewReplacer("beta", none, ids["job beta"], noID, ids["upload beta"], noID).Replace(string(hidden.body))
		if hidden.status != http.StatusNotFound || missing.status != http.StatusNotFound || text != string(missing.body) {
			t.Errorf("%s %s: %d %s; unknown object: %d %s", n.Method, n.Path, hidden.status, hidden.body, missing.status, missing.body)
		}
		if slices.Contains([]string{"showServer", "showOverlay", "showBlueprint", "showJob", "showUpload"}, n.ID) {
			a := s.ask(t, n, not, s.admin).problem(t, http.StatusNotFound)
			if b := missing.problem(t, http.StatusNotFound); a.Detail != b.Detail || a.Hint != b.Hint {
				t.Errorf("%s %s: %+v; an administrator gets %+v", n.Method, n.Path, b, a)
			}
		}
		if (n.On == "server" || n.On == "job") && n.ID != "duplicateServer" { // it also creates a server
			if a := s.ask(t, n, strings.Replace(pathTo(n, "alpha", ids), "compare/beta", "compare/alpha", 1), some); !a.lets() {
				t.Errorf("%s %s on its own server: %d %s", n.Method, n.Path, a.status, a.body)
			}
		}
	}
	if a := s.ask(t, api.Need{Method: "GET"}, "/api/v1/jobs/"+ids["job site"], some); a.status != http.StatusNotFound {
		t.Errorf("a backup's job: %d %s", a.status, a.body)
	}
}

// names returns all values of a key in an answer.
func names(a answer, key string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`"`+key+`":"([^"]*)"`).FindAllSubmatch(a.body, -1) {
		all = append(all, string(m[1]))
	}
	return all
}

func TestListsContainVisibleObjectsOnly(t *testing.T) {
	s, _ := rightsSite(t)
	some := s.token(t, "some", true)
	get := func(token, path string) answer {
		t.Helper()
		a := s.send(t, "GET", "/api/v1"+path, withToken(token), nil)
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		return a
	}
	check := func(token, path, key string, want ...string) {
		t.Helper()
		if got := names(get(token, path), key); !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", path, got, want)
		}
	}
	check(s.admin, "/servers", "name", "alpha", "beta") // the answer is cached
	for _, on := range []left4me.Target{left4me.OnServer("alpha"), left4me.OnServer("beta")} {
		s.narrow("some", on)
		check(some, "/servers", "name", on.Name)
		check(some, "/servers?limit=1", "name", on.Name)
		check(some, "/jobs", "target", on.Name, on.Name, on.Name)
		check(some, "/jobs?server=alpha&limit=500", "target", slices.Repeat([]string{"alpha"}, map[string]int{"alpha": 3}[on.Name])...)
		check(some, "/deleted-servers", "name", on.Name)
		for _, path := range []string{"/blueprints", "/overlays"} {
			check(some, path, "name")
		}
		check(s.admin, "/servers", "name", "alpha", "beta")
	}
	// Pages of jobs must skip jobs of other objects.
	var seen []string
	for path := "/jobs?limit=1"; path != ""; {
		a := get(some, path)
		seen = append(seen, names(a, "target")...)
		next, _, more := strings.Cut(strings.TrimPrefix(a.header.Get("Link"), "<"), ">")
		if path = ""; more {
			path = "/jobs" + next // the link is relative to the current page
		}
	}
	if !slices.Equal(seen, []string{"beta", "beta", "beta"}) {
		t.Errorf("page by page: %q", seen)
	}

	s.narrow("some", left4me.OnServer("alpha"), left4me.OnBlueprint("default"), left4me.OnOverlay("alpha"), left4me.OnOverlay("maps"),
		left4me.Site, left4me.Target{Kind: left4me.OverlayTarget})
	for _, name := range []left4me.Name{"alpha", "beta"} {
		s.host.says(t, left4me.Status{Name: name, State: left4me.Running, Build: 9002})
	}
	eventually(t, "which servers run a build is known", func() bool {
		return strings.Contains(string(get(s.admin, "/hosts/local/game").body), `"servers":["alpha","beta"]`)
	})
	check(some, "/uploads", "overlay", "alpha")
	check(s.admin, "/uploads", "overlay", "alpha", "beta")
	for path, want := range map[string]string{
		"/blueprints": `"servers":["alpha"]`, "/blueprints/default": `"servers":["alpha"]`, "/overlays": `"servers":["alpha"]`,
		"/overlays/maps": `"servers":["alpha"]`, "/hosts/local/game": `"servers":["alpha"]`,
		"/overlays/alpha/moves": `"servers":[{"server":"alpha"`,
	} {
		if a := get(some, path); !strings.Contains(string(a.body), want) || strings.Contains(string(a.body), `"beta"`) {
			t.Errorf("%s: %s", path, a.body)
		}
		if a := get(s.admin, path); !strings.Contains(string(a.body), `"beta"`) {
			t.Errorf("%s of an administrator: %s", path, a.body)
		}
	}
}

// The actor must also have rights on a second object in a request.
func TestSecondObjectNeedsRight(t *testing.T) {
	s, _ := rightsSite(t)
	some := s.token(t, "some", true)
	s.narrow("some", left4me.OnServer("alpha"), left4me.OnOverlay("alpha"))
	for _, other := range []string{"beta", "gamma"} {
		a := s.send(t, "GET", "/api/v1/servers/alpha/compare/"+other, bearer(some), nil)
		if p := a.problem(t, http.StatusNotFound); p.Detail != fmt.Sprintf("there is no server %q", other) {
			t.Errorf("compare with %s: %s", other, a.body)
		}
		a = s.send(t, "POST", "/api/v1/overlays/alpha/build", bearer(some),
			strings.NewReader(`{"promote":{"server":"`+other+`","paths":["a"]}}`))
		a.problem(t, http.StatusUnprocessableEntity, "body.promote.server")
	}
	s.narrow("some", left4me.OnServer("alpha"), left4me.OnOverlay("alpha"), left4me.OnBlueprint("alpha"),
		left4me.Target{Kind: left4me.ServerTarget}, left4me.Target{Kind: left4me.BlueprintTarget})
	for _, r := range []string{"POST /servers", "PUT /servers/alpha", "POST /blueprints", "PUT /blueprints/alpha"} {
		method, path, _ := strings.Cut(r, " ")
		send := func(rest string) answer {
			t.Helper()
			body := `{"overlays":["maps","alpha"` + rest + `}`
			if method == "POST" {
				body = `{"name":"new","overlays":["alpha"` + rest + `}`
			}
			return s.send(t, method, "/api/v1"+path, bearer(some), strings.NewReader(body))
		}
		at := "body.overlays[1]"
		switch {
		case r == "PUT /servers/alpha":
			at = "body.overlays[2]" // the server already has maps, added by a user who may see it
		case method == "PUT":
			s.call(t, method, "/api/v1"+path, `{"overlays":["maps"]}`)
			at = "body.overlays[2]"
		}
		var texts []string
		for _, other := range []string{"beta", "gamma"} {
			p := send(`,"`+other+`"]`).problem(t, http.StatusUnprocessableEntity, at)
			texts = append(texts, strings.ReplaceAll(p.Detail, other, "x"))
			if strings.HasSuffix(path, "/blueprints") || strings.HasSuffix(path, "/blueprints/alpha") {
				continue
			}
			p = send(`],"blueprint":"`+other+`"`).problem(t, http.StatusUnprocessableEntity, "body.blueprint")
			texts = append(texts, strings.ReplaceAll(p.Detail, other, "x"))
		}
		if half := len(texts) / 2; !slices.Equal(texts[:half], texts[half:]) {
			t.Errorf("%s: %q", r, texts)
		}
		if a := send("]"); a.status >= 300 {
			t.Errorf("%s with what it may see: %d %s", r, a.status, a.body)
		}
	}
	a := s.send(t, "POST", "/api/v1/overlays/alpha/build", bearer(some), strings.NewReader(`{"promote":{"server":"alpha","paths":["a"]}}`))
	if a.status != http.StatusAccepted {
		t.Errorf("files of its own server: %d %s", a.status, a.body)
	}
}

// Retrying a promotion requires the right on the server's files, like the first attempt.
func TestRetryPromotionNeedsRightOnServer(t *testing.T) {
	s, _ := rightsSite(t)
	some := s.token(t, "some", true)
	var j apitype.Job
	s.call(t, "POST", "/api/v1/overlays/alpha/build", `{"promote":{"server":"beta","paths":["a"]}}`).into(t, &j)
	s.call(t, "POST", "/api/v1/jobs/"+string(j.ID)+"/cancel", "")
	own := []left4me.Target{left4me.OnOverlay("alpha"), left4me.OnServer("alpha")}
	for _, c := range []struct {
		may  []left4me.Target
		want int
	}{{own, http.StatusForbidden}, {append(own, left4me.OnServer("beta")), http.StatusAccepted}} {
		s.narrow("some", c.may...)
		if a := s.send(t, "POST", "/api/v1/jobs/"+string(j.ID)+"/retry", bearer(some), nil); a.status != c.want {
			t.Errorf("with %v: %d %s, want %d", c.may, a.status, a.body, c.want)
		}
	}
}

// Streams contain only what the actor may see at each moment, and end when the actor loses the
// right on their target.
func TestStreamsEndWhenRightIsLost(t *testing.T) {
	s, ids := rightsSite(t)
	some := withToken(s.token(t, "some", true))
	s.narrow("some", left4me.OnServer("alpha"))
	all := s.stream(t, "/api/v1/events", some)
	streams := map[string]func() (sse, bool){}
	for _, path := range []string{"/api/v1/servers/alpha/console", "/api/v1/jobs/" + ids["job alpha"] + "/events"} {
		streams[path] = s.stream(t, path, some)
	}
	tell := func(until string) (seen []string) {
		t.Helper()
		for {
			s.host.says(t, left4me.Status{Name: "beta", State: left4me.Running, Map: fmt.Sprint(time.Now())})
			s.host.says(t, left4me.Status{Name: "alpha", State: left4me.Running, Map: fmt.Sprint(time.Now())})
			e, ok := all()
			if !ok {
				t.Fatal("the stream of all servers ended")
			}
			if seen = append(seen, e.data); e.data == until {
				return seen
			}
		}
	}
	if seen := tell(`{"server":"alpha"}`); len(seen) != 1 {
		t.Errorf("got events of %q", seen)
	}
	s.narrow("some", left4me.OnServer("beta"))
	for path, next := range streams {
		for {
			if _, ok := next(); !ok {
				break
			}
		}
		t.Logf("%s ended", path)
	}
	tell(`{"server":"beta"}`)
}

// When a user loses the right to read passwords, they are hidden in the rest of a running stream.
func TestStreamHidesPasswordsAfterRightIsLost(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	next := s.stream(t, "/api/v1/servers/alpha/console", withToken(s.token(t, "zoey", true)))
	said := func() string {
		t.Helper()
		s.host.set(func() { s.host.console += "sv_password zoey\n" })
		e, ok := next()
		if !ok {
			t.Fatal("the stream ended")
		}
		return e.data
	}
	if text := said(); !strings.Contains(text, "zoey") {
		t.Fatal(text)
	}
	if a := s.call(t, "PATCH", "/api/v1/users/zoey", `{"admin":false}`); a.status != http.StatusOK {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	eventually(t, "it is hidden", func() bool { return strings.Contains(said(), "(hidden)") })
}

// A right on a server does not extend to a later server of the same name, nor to its jobs.
func TestRightsDoNotExtendToReusedName(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	some := withToken(s.token(t, "some", true))
	old := []left4me.Target{must(s.accounts.Target(t.Context(), left4me.ServerTarget, "alpha"))(t)}
	s.narrow("some", old...)
	get := func(path string) answer { return s.send(t, "GET", "/api/v1"+path, some, nil) }
	if a := get("/servers/alpha"); a.status != http.StatusOK {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	s.call(t, "DELETE", "/api/v1/servers/alpha", nil)
	eventually(t, "it is deleted", func() bool { return s.call(t, "GET", "/api/v1/servers/alpha", nil).status == http.StatusNotFound })
	s.create(t, "beta")
	s.narrow("some", append(slices.Clone(old), left4me.OnServer("beta"))...)
	next := s.stream(t, "/api/v1/events", some)
	s.create(t, "alpha")
	for told := ""; told != `{"server":"beta"}`; {
		s.host.says(t, left4me.Status{Name: "alpha", State: left4me.Running, Map: fmt.Sprint(time.Now())})
		s.host.says(t, left4me.Status{Name: "beta", State: left4me.Running, Map: fmt.Sprint(time.Now())})
		e, ok := next()
		if told = e.data; !ok || told == `{"server":"alpha"}` {
			t.Fatalf("got an event of the new alpha: %q, %v", told, ok)
		}
	}
	s.narrow("some", old...)
	s.host.set(func() { s.host.work = false })
	var j struct{ ID string }
	s.call(t, "POST", "/api/v1/servers/alpha/start", nil).into(t, &j)
	for _, path := range []string{"/servers/alpha", "/jobs/" + j.ID} {
		if a := get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if all := get("/servers"); string(all.body) != "[]\n" {
		t.Errorf("got : %s", all.body)
	}
	if kinds := names(get("/jobs"), "kind"); !slices.Equal(kinds, []string{"server.delete"}) {
		t.Errorf("jobs: %q", kinds)
	}
}

// A conflict names the conflicting object only to actors who may see it.
func TestConflictsHideInvisibleObjects(t *testing.T) {
	s := newSite(t)
	some := s.token(t, "some", true)
	do := func(method, path, body string) { s.call(t, method, "/api/v1"+path, body).into(t, &struct{}{}) }
	// A renamed object keeps its first name on its host.
	do("POST", "/servers", `{"name":"alpha"}`)
	do("POST", "/servers", `{"name":"before"}`)
	do("POST", "/servers/before/rename", `{"name":"beta"}`)
	do("POST", "/overlays", `{"name":"alpha","kind":"files"}`)
	do("POST", "/overlays", `{"name":"before","kind":"files"}`)
	do("POST", "/overlays/before/rename", `{"name":"beta"}`)
	beta, err := s.on.Store.Servers().Get(t.Context(), "beta")
	if err != nil {
		t.Fatal(err)
	}
	for request, c := range map[string]struct{ body, field string }{
		"PUT /servers/alpha":          {fmt.Sprintf(`{"port":%d}`, beta.Port), "body.port"},
		"POST /servers/alpha/rename":  {`{"name":"before"}`, "body.name"},
		"POST /overlays/alpha/rename": {`{"name":"before"}`, "body.name"},
		"POST /overlays":              {`{"name":"before","kind":"files"}`, "body.name"},
		"POST /servers":               {`{"name":"before"}`, "body.name"},
	} {
		method, path, _ := strings.Cut(request, " ")
		ask := func() apitype.Problem {
			return s.send(t, method, "/api/v1"+path, bearer(some), strings.NewReader(c.body)).problem(t, http.StatusConflict, c.field)
		}
		s.narrowed.Delete("some")
		if p := ask(); !strings.Contains(p.Detail, "beta") {
			t.Errorf("%s: an administrator gets %+v", request, p)
		}
		s.narrow("some", left4me.OnServer("alpha"), left4me.OnOverlay("alpha"), left4me.OnServer(""), left4me.OnOverlay(""))
		if p := ask(); strings.Contains(fmt.Sprint(p), "beta") || p.Code != "object.hidden" {
			t.Errorf("%s: %+v", request, p)
		}
	}
}

// The reason of a failure or a state names other objects only to actors who may see them, in every
// answer and in streams.
func TestFailuresHideInvisibleObjects(t *testing.T) {
	s := newSite(t)
	s.installed(t)
	some := withToken(s.token(t, "some", true))
	s.create(t, "alpha")
	s.create(t, "beta")
	s.call(t, "POST", "/api/v1/overlays", `{"name":"own","kind":"files"}`).into(t, &struct{}{})
	holder := left4me.NewError(left4me.Conflict, "port.holder_server", "server", "beta", "name", "srcds_linux", "pid", 77)
	inUse := left4me.NewError(left4me.Conflict, "port.in_use_by_program", "port", 27015, "program", holder).InField("port")
	why := left4me.NewError(left4me.Unavailable, "server.start_failed", "reason", inUse, "server", "alpha")
	failed := left4me.Status{Name: "alpha", State: left4me.Failed}
	failed.Explain(inUse)
	s.host.set(func() {
		s.host.report = bus.JobReport{State: left4me.JobFailed, Error: why}
		s.host.checks = []left4me.Check{{Name: "process", State: left4me.CheckBroken, Text: "it failed: " + failed.Reason}}
	})
	var j struct{ ID string }
	s.call(t, "POST", "/api/v1/servers/alpha/start", nil).into(t, &j)
	job := "/jobs/" + j.ID
	s.host.says(t, failed)
	moves := []store.Move{
		{Server: "alpha", State: "failed", Reason: left4me.NewNote("rollout.restart_failed_because", "error", why)},
		{Server: "beta", State: "failed", Reason: left4me.Note{Text: "it is held"}},
	}
	if err := errors.Join(s.store.OverlayRestarts().Set(t.Context(), store.OverlayRestart{
		Overlay: "own", Revision: 1, Mode: "empty", State: "failed", CreatedAt: time.Now(), Moves: moves,
		Reason: left4me.NewNote("rollout.not_up_with_revision", "server", "alpha", "revision", 1, "reason", why),
	}), s.store.Game().SetRollout(t.Context(), store.Rollout{
		Host: "local", Mode: "empty", State: "failed", Build: 9002, By: left4me.ByUser("admin"), CreatedAt: time.Now(), Moves: moves[1:],
		Reason: left4me.NewNote("rollout.not_up_on_build", "server", "beta", "build", 9002),
	})); err != nil {
		t.Fatal(err)
	}
	get := func(header http.Header, path string) string {
		return string(s.send(t, "GET", "/api/v1"+path, header, nil).body)
	}
	eventually(t, "it has failed", func() bool {
		return strings.Contains(get(withToken(s.admin), job), "failed") && strings.Contains(get(withToken(s.admin), "/servers"), "27015 is")
	})
	s.narrow("some", left4me.OnServer("alpha"), left4me.OnOverlay("own"), left4me.Site)
	for _, path := range []string{
		job, "/jobs", "/servers", "/servers?limit=5", "/servers/alpha", "/servers/alpha/reach", "/overlays/own/moves",
		"/hosts/local/game", "/hosts/local/game/rollout",
	} {
		if all := get(withToken(s.admin), path); !strings.Contains(all, "beta") {
			t.Errorf("%s does not name beta to an administrator, so the test checks nothing: %s", path, all)
		}
		if seen := get(some, path); strings.Contains(seen, "beta") || !strings.Contains(seen, "that you do not have permission to view") {
			t.Errorf("%s: %s", path, seen)
		}
	}
	e, ok := s.stream(t, "/api/v1"+job+"/events", some)()
	if !ok || strings.Contains(e.data, "beta") || !strings.Contains(e.data, "not have permission to view") {
		t.Errorf("the stream of the job has %v", e)
	}
	// The list of servers is cached for actors who may see everything; nobody else may get the
	// cached answer.
	if seen := get(some, "/servers"); strings.Contains(seen, "beta") {
		t.Error(seen)
	}
	r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/metrics", nil))(t)
	r.Header = some.Clone()
	r.Header.Set("X-Forwarded-For", "192.0.2.1") // a remote client
	res := must(http.DefaultClient.Do(r))(t)
	defer res.Body.Close()
	text := string(must(io.ReadAll(res.Body))(t))
	if strings.Contains(text, "beta") || !strings.Contains(text, `left4me_server_up{server="alpha"} 0`) ||
		!strings.Contains(text, `left4me_servers{state="stopped"} 0`) {
		t.Errorf("metrics: %d %s", res.StatusCode, text)
	}
}

// Lists contain current names: a renamed object appears under its new name to actors who may see
// it, and an object that got the old name does not appear to them.
func TestRightsFollowRenamedServer(t *testing.T) {
	s := newSite(t)
	s.installed(t)
	some := withToken(s.token(t, "some", true))
	target := func(name left4me.Name) left4me.Target {
		return must(s.accounts.Target(t.Context(), left4me.ServerTarget, name))(t)
	}
	s.call(t, "POST", "/api/v1/overlays", `{"name":"own","kind":"files"}`).into(t, &struct{}{})
	for _, name := range []string{"alpha", "other"} {
		s.call(t, "POST", "/api/v1/servers", `{"name":"`+name+`","overlays":["maps"]}`).into(t, &struct{}{})
	}
	first, next := target("alpha"), target("other")
	s.call(t, "POST", "/api/v1/servers/alpha/rename", `{"name":"omega"}`).into(t, &struct{}{})
	next.Name = "omega" // a former name
	s.host.set(func() { s.host.mounts = []left4me.Name{"omega", "other"} })
	for _, name := range []left4me.Name{"omega", "other"} {
		s.host.says(t, left4me.Status{Name: name, State: left4me.Running, Build: 9002})
	}
	moves := []store.Move{{Server: "omega", State: "moved"}, {Server: "other", State: "moved"}}
	if err := s.store.OverlayRestarts().Set(t.Context(), store.OverlayRestart{
		Overlay: "own", Revision: 1, Mode: "empty", State: "done", CreatedAt: time.Now(), Moves: moves,
	}); err != nil {
		t.Fatal(err)
	}
	for on, want := range map[left4me.Target]string{first: "omega", next: "other"} {
		s.narrow("some", on, left4me.OnOverlay("maps"), left4me.OnOverlay("own"), left4me.OnBlueprint("default"), left4me.Site)
		hidden := map[string]string{"omega": "other", "other": "omega"}[want]
		for _, path := range []string{"/servers", "/overlays/maps", "/overlays", "/blueprints/default", "/overlays/own/moves"} {
			a := s.send(t, "GET", "/api/v1"+path, some, nil)
			if text := string(a.body); !strings.Contains(text, `"`+want+`"`) || strings.Contains(text, `"`+hidden+`"`) {
				t.Errorf("%s of who may see %s: %s", path, want, text)
			}
		}
	}
}
