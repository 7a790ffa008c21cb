package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

func TestCreatedServerHasDefaults(t *testing.T) {
	s := newSite(t)
	a := s.call(t, "POST", "/api/v1/servers", `{"name":"alpha"}`)
	if a.status != http.StatusCreated {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	var v map[string]any
	a.into(t, &v)
	for field, want := range map[string]any{
		"name": "alpha", "host": "local", "port": 27015.0, "blueprint": "default", "map": "", "players": 0.0, "max_players": 0.0,
		"pid": 0.0, "restart_required": false,
	} {
		if got, ok := v[field]; !ok || got != want {
			t.Errorf("%s is %v (%v), want %v", field, got, ok, want)
		}
	}
	for _, field := range []string{"job", "since", "wanted_at"} {
		if got, ok := v[field]; ok {
			t.Errorf("%s is %v, want it absent", field, got)
		}
	}
	if v["state"] == nil || v["online"] == nil {
		t.Errorf("null instead of a value: %s", a.body)
	}
	if b := s.create(t, "beta"); b.Port != 27016 {
		t.Errorf("the next free port is %d", b.Port)
	}
	var all []apitype.GameServer
	s.call(t, "GET", "/api/v1/servers", nil).into(t, &all)
	if len(all) != 2 || all[0].Name != "alpha" || all[1].Name != "beta" {
		t.Errorf("list: %+v", all)
	}
	var one apitype.GameServer
	s.call(t, "GET", "/api/v1/servers/beta", nil).into(t, &one)
	if one.Name != "beta" || one.Port != 27016 {
		t.Errorf("show: %+v", one)
	}
}

func TestCreateServerSkipsPortsInUse(t *testing.T) {
	s := newSite(t)
	s.host.set(func() { s.host.taken = map[int]bool{27015: true, 27016: true} })
	if v := s.create(t, "alpha"); v.Port != 27017 {
		t.Errorf("port %d", v.Port)
	}
}

func TestCreateServerReportsInvalidFields(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	for _, c := range []struct {
		name, body string
		status     int
		locations  []string
	}{
		{"name taken", `{"name":"alpha"}`, 409, []string{"body.name"}},
		{"port taken", `{"name":"b","port":27015}`, 409, []string{"body.port"}},
		{"port too low", `{"name":"b","port":80}`, 422, []string{"body.port"}},
		{"port too high", `{"name":"b","port":70000}`, 422, []string{"body.port"}},
		{"port zero", `{"name":"b","port":0}`, 422, []string{"body.port"}},
		{"name missing", `{}`, 422, []string{"body.name"}},
		{"name empty", `{"name":""}`, 422, []string{"body.name"}},
		{"name a path", `{"name":"../etc"}`, 422, []string{"body.name"}},
		{"name too long", `{"name":"` + strings.Repeat("x", 65) + `"}`, 422, []string{"body.name"}},
		{"blueprint unknown", `{"name":"b","blueprint":"nothing"}`, 422, []string{"body.blueprint"}},
		{"host bad", `{"name":"b","host":"UP"}`, 422, []string{"body.host"}},
		{"host unknown", `{"name":"b","host":"far"}`, 422, []string{"body.host"}},
		{
			"several at once", `{"name":"B","port":1,"settings":{"map":"a b","max_players":99}}`, 422,
			[]string{"body.name", "body.port", "body.settings.map", "body.settings.max_players"},
		},
		{"a line in a list", `{"name":"b","settings":{"cfg":["ok","a\u0000b"]}}`, 422, []string{"body.settings.cfg[1]"}},
		{"wrong type", `{"name":"b","port":"x"}`, 422, []string{"body.port"}},
		{"name a number", `{"name":7}`, 422, []string{"body.name"}},
		{"unknown field", `{"name":"b","prot":27015}`, 422, []string{"body.prot"}},
		{"not an object", `[]`, 422, []string{"body"}},
		{"not JSON", `name=b`, 400, nil},
		{"cut off", `{"name":"b"`, 400, nil},
		{"nothing", ``, 400, nil},
		{"too large", `{"name":"b","settings":{"motd":"` + strings.Repeat("x", 1<<20) + `"}}`, 413, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.call(t, "POST", "/api/v1/servers", c.body).problem(t, c.status, c.locations...)
		})
	}
	var all []apitype.GameServer
	s.call(t, "GET", "/api/v1/servers", nil).into(t, &all)
	if len(all) != 1 {
		t.Errorf("a rejected server was created: %+v", all)
	}
}

func TestBodyMustBeJSON(t *testing.T) {
	s := newSite(t)
	header := http.Header{"Authorization": {"Bearer " + s.admin}, "Content-Type": {"application/x-www-form-urlencoded"}}
	s.send(t, "POST", "/api/v1/servers", header, strings.NewReader("name=alpha")).problem(t, http.StatusUnsupportedMediaType)
	// A page of another site can send this content type without a preflight request, so the body
	// must not be parsed as JSON.
	header.Set("Content-Type", "text/plain")
	s.send(t, "POST", "/api/v1/servers", header, strings.NewReader(`{"name":"alpha"}`)).problem(t, http.StatusUnsupportedMediaType)
}

func TestUnknownObjectsAreNotFound(t *testing.T) {
	s := newSite(t)
	for _, r := range []string{
		"GET /api/v1/servers/nobody", "DELETE /api/v1/servers/nobody", "POST /api/v1/servers/nobody/start",
		"POST /api/v1/servers/nobody/stop",
		"POST /api/v1/servers/nobody/restart", "POST /api/v1/servers/nobody/reset", "GET /api/v1/servers/nobody/console",
		"GET /api/v1/servers/nobody/crashes",
		"GET /api/v1/jobs/nothing", "GET /api/v1/jobs/nothing/events", "POST /api/v1/jobs/nothing/cancel",
		"POST /api/v1/jobs/nothing/retry",
		"GET /api/v1/nothing", "GET /api/v1/", "PUT /api/v1/nothing",
	} {
		method, path, _ := strings.Cut(r, " ")
		t.Run(r, func(t *testing.T) { s.call(t, method, path, nil).problem(t, http.StatusNotFound) })
	}
	s.call(t, "POST", "/api/v1/servers/nobody/console", `{"command":"status"}`).problem(t, http.StatusNotFound)
	s.call(t, "GET", "/api/v1/servers/NO.BODY", nil).problem(t, http.StatusUnprocessableEntity, "path.name")
	s.call(t, "GET", "/api/v1/jobs?limit=9999", nil).problem(t, http.StatusUnprocessableEntity, "query.limit")
	s.call(t, "GET", "/api/v1/jobs?limit=x", nil).problem(t, http.StatusUnprocessableEntity, "query.limit")
	s.call(t, "GET", "/api/v1/jobs?server=A.B", nil).problem(t, http.StatusUnprocessableEntity, "query.server")
}

func TestInternalErrorsAreLoggedOnly(t *testing.T) {
	s := newSite(t)
	var all []apitype.Job
	s.call(t, "GET", "/api/v1/jobs", nil).into(t, &all) // caches the owner of the token
	s.store.Close()
	a := s.call(t, "GET", "/api/v1/jobs", nil)
	p := a.problem(t, http.StatusInternalServerError)
	if id := a.header.Get("X-Request-Id"); id == "" || p.RequestID != id || !strings.Contains(p.Hint, "request="+id) ||
		strings.Contains(string(a.body), "sql") {
		t.Errorf("the answer has the id %q: %s", id, a.body)
	}
	if said := s.on.Logged("request=" + p.RequestID + "\n"); len(said) != 1 || !strings.Contains(said[0], "sql: database is closed") {
		t.Errorf("under request=%s the log has %q", p.RequestID, said)
	}
}

func TestDisallowedMethodReturnsAllowedOnes(t *testing.T) {
	s := newSite(t)
	for r, allow := range map[string]string{
		"PUT /api/v1/servers": "GET,POST", "PATCH /api/v1/servers/alpha": "GET,PUT,DELETE", "GET /api/v1/servers/alpha/start": "POST",
		"DELETE /api/v1/jobs": "GET",
	} {
		method, path, _ := strings.Cut(r, " ")
		a := s.call(t, method, path, nil)
		a.problem(t, http.StatusMethodNotAllowed)
		if got := strings.Join(a.header.Values("Allow"), ","); got != allow {
			t.Errorf("%s allows %q, want %q", r, got, allow)
		}
	}
}

func TestGuestMayReadAndAdministratorMayChange(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	with := func(token, method, path, body string) answer {
		header := http.Header{"Content-Type": {"application/json"}}
		if token != "" {
			header.Set("Authorization", token)
		}
		return s.send(t, method, path, header, strings.NewReader(body))
	}
	changes := []string{
		"POST /api/v1/servers", "DELETE /api/v1/servers/alpha", "POST /api/v1/servers/alpha/start", "POST /api/v1/servers/alpha/stop",
		"POST /api/v1/servers/alpha/restart",
		"POST /api/v1/servers/alpha/reset", "POST /api/v1/servers/alpha/console", "POST /api/v1/servers/alpha/map",
		"POST /api/v1/jobs/x/cancel", "POST /api/v1/jobs/x/retry", "POST /api/v1/blueprints",
		"POST /api/v1/users", "PATCH /api/v1/users/zoey", "DELETE /api/v1/users/zoey", "GET /api/v1/hosts/local/doctor",
		"POST /api/v1/backups", "DELETE /api/v1/backups/b", "POST /api/v1/backups/b/verify", "GET /api/v1/backups/b/file",
		"PUT /api/v1/backup-policy", "PUT /api/v1/archive-names", "PUT /api/v1/public-address",
		"POST /api/v1/overlays", "POST /api/v1/overlays/o/build", "GET /api/v1/overlays/o/revisions/1/file?path=x",
		"GET /api/v1/overlays/o/revisions/1/raw?path=x", "GET /api/v1/overlays/o/revisions/1/archive",
		"GET /api/v1/servers/alpha/file?path=x", "POST /api/v1/servers/alpha/written/discard",
	}
	looks := []string{
		"GET /api/v1/servers", "GET /api/v1/servers/alpha", "GET /api/v1/servers/alpha/crashes", "GET /api/v1/servers/alpha/reach",
		"GET /api/v1/servers/alpha/campaigns", "GET /api/v1/jobs", "GET /api/v1/blueprints", "GET /api/v1/overlays",
		"GET /api/v1/backups", "GET /api/v1/backup-policy", "GET /api/v1/archive-names", "GET /api/v1/public-address",
		"GET /api/v1/recipes", "GET /api/v1/recipes/blank",
	}
	for _, r := range append(looks, changes...) {
		method, path, _ := strings.Cut(r, " ")
		for _, token := range []string{"", "Bearer l4m_nothing", "Bearer", "Basic YWRtaW46eA==", "Bearer " + strings.Repeat("x", 500)} {
			a := with(token, method, path, "{}")
			a.problem(t, http.StatusUnauthorized)
			if a.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s with %.20q: no challenge", r, token)
			}
		}
	}
	for _, r := range changes {
		method, path, _ := strings.Cut(r, " ")
		with("Bearer "+s.guest, method, path, "{}").problem(t, http.StatusForbidden)
	}
	for _, r := range looks {
		method, path, _ := strings.Cut(r, " ")
		if a := with("bearer "+s.guest, method, path, ""); a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, cached %q", r, a.status, a.header.Get("Cache-Control"))
		}
	}
}

func TestServerActionsCreateJobs(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	s.host.set(func() { s.host.work = false })
	act := func(method, path string) apitype.Job {
		t.Helper()
		a := s.call(t, method, path, nil)
		if a.status != http.StatusAccepted {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
		}
		var j apitype.Job
		a.into(t, &j)
		return j
	}
	start := act("POST", "/api/v1/servers/alpha/start")
	if start.Kind != left4me.StartServer || start.Target != "alpha" || start.Host != "local" || start.State != left4me.JobQueued ||
		start.By != "admin" || start.Steps == nil {
		t.Errorf("got %+v", start)
	}
	if again := act("POST", "/api/v1/servers/alpha/start"); again.ID != start.ID {
		t.Errorf("a second start is another job: %s and %s", again.ID, start.ID)
	}
	var v apitype.GameServer
	s.call(t, "GET", "/api/v1/servers/alpha", nil).into(t, &v)
	if v.Job == nil || v.Job.ID != start.ID || v.Job.Kind != left4me.StartServer {
		t.Errorf("its job: %+v", v.Job)
	}
	stop := act("POST", "/api/v1/servers/alpha/stop")
	var old apitype.Job
	s.call(t, "GET", "/api/v1/jobs/"+string(start.ID), nil).into(t, &old)
	if stop.ID == start.ID || old.State != left4me.JobCancelled {
		t.Errorf("after a stop request the start job is %s", old.State)
	}
	if j := act("POST", "/api/v1/jobs/"+string(stop.ID)+"/cancel"); j.State != left4me.JobCancelled {
		t.Errorf("cancelled: %s", j.State)
	}
	if j := act("POST", "/api/v1/jobs/"+string(stop.ID)+"/retry"); j.ID == stop.ID || j.Kind != left4me.StopServer {
		t.Errorf("retried: %+v", j)
	}
	if j := act("DELETE", "/api/v1/servers/alpha"); j.Kind != left4me.DeleteServer {
		t.Errorf("deleted: %+v", j)
	}
	s.call(t, "POST", "/api/v1/servers/alpha/start", nil).problem(t, http.StatusConflict)
	var all []apitype.Job
	s.call(t, "GET", "/api/v1/jobs?server=alpha&limit=2", nil).into(t, &all)
	if len(all) != 2 || all[0].Kind != left4me.DeleteServer {
		t.Errorf("newest first: %+v", all)
	}
	s.call(t, "GET", "/api/v1/jobs?server=beta", nil).into(t, &all)
	if len(all) != 0 {
		t.Errorf("jobs of an unknown server: %+v", all)
	}
}

func TestConsoleCommandIsCheckedAndRun(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	const path = "/api/v1/servers/alpha/console"
	var out apitype.CommandOutput
	if s.call(t, "POST", path, `{"command":"status"}`).into(t, &out); out.Output != "ran status" {
		t.Errorf("got %q", out.Output)
	}
	for _, command := range []string{
		"", "  ", "a\nquit", "a\rb", "a\x00b", "a\x1b[0m", "a\tb", "a\x7f", "a\u0085b", "a\u2028b",
		strings.Repeat("x", 481),
	} {
		s.call(t, "POST", path, map[string]string{"command": command}).problem(t, http.StatusUnprocessableEntity, "body.command")
	}
	s.call(t, "POST", path, `{}`).problem(t, http.StatusUnprocessableEntity)
}

func TestBlueprintsAndOverlaysAreListedAndChanged(t *testing.T) {
	s := newSite(t)
	var overlays []apitype.Overlay
	if s.call(t, "GET", "/api/v1/overlays", nil).into(t, &overlays); len(overlays) != 2 || overlays[0].Name != "maps" {
		t.Errorf("overlays: %+v", overlays)
	}
	if a := s.call(t, "POST", "/api/v1/blueprints",
		`{"name":"versus","overlays":["plugins","maps"],"settings":{"mode":"versus"}}`); a.status != http.StatusCreated {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	var all []apitype.Blueprint
	s.call(t, "GET", "/api/v1/blueprints", nil).into(t, &all)
	if len(all) != 2 || all[0].Name != "default" || all[0].Overlays == nil || len(all[1].Overlays) != 2 ||
		all[1].Overlays[0] != "plugins" || all[1].Settings.Mode != "versus" {
		t.Errorf("got %+v", all)
	}
	for body, location := range map[string]string{
		`{"name":"A"}`: "body.name",
		`{"name":"b","overlays":["maps","nothing"]}`:     "body.overlays[1]",
		`{"name":"b","overlays":["maps","../x"]}`:        "body.overlays[1]",
		`{"name":"b","overlays":["maps","maps"]}`:        "body.overlays[1]",
		`{"name":"b","settings":{"difficulty":"Harsh"}}`: "body.settings.difficulty",
	} {
		s.call(t, "POST", "/api/v1/blueprints", body).problem(t, http.StatusUnprocessableEntity, location)
	}
	s.call(t, "POST", "/api/v1/blueprints", `{"name":"versus"}`).problem(t, http.StatusConflict, "body.name")
}

func TestUsersAndTokensAreCreatedAndDeleted(t *testing.T) {
	s := newSite(t)
	var u apitype.User
	s.call(t, "POST", "/api/v1/users", `{"name":"Zoey","password":"a long password","admin":true}`).into(t, &u)
	if u.Name != "Zoey" || !u.Admin || u.ID == 0 {
		t.Errorf("got %+v", u)
	}
	s.call(t, "POST", "/api/v1/users", `{"name":"zoey","password":"a long password"}`).problem(t, http.StatusConflict, "body.name")
	a := s.call(t, "POST", "/api/v1/users", `{"name":"a b","password":"short"}`)
	a.problem(t, http.StatusUnprocessableEntity, "body.name", "body.password")
	if strings.Contains(string(a.body), `"short"`) {
		t.Errorf("the password came back: %s", a.body)
	}
	if a := s.call(t, "POST", "/api/v1/users", `{"name":"b","password":12345678}`); strings.Contains(string(a.body), "12345678") {
		t.Errorf("the password came back: %s", a.body)
	}

	var all []apitype.User
	if s.call(t, "GET", "/api/v1/users", nil).into(t, &all); !slices.Contains(all, u) {
		t.Errorf("%+v lacks %+v", all, u)
	}
	if a := s.send(t, "GET", "/api/v1/users", withToken(s.token(t, "looker", false)),
		nil); a.status != http.StatusForbidden {
		t.Errorf("a guest listed the users: %d", a.status)
	}

	var token apitype.Token
	s.call(t, "POST", "/api/v1/tokens", `{"label":"script","user":"Zoey"}`).into(t, &token)
	if !strings.HasPrefix(token.Token, "l4m_") || token.User != "Zoey" || !token.ExpiresAt.IsZero() {
		t.Errorf("got %+v", token)
	}
	header := withToken(token.Token)
	if a := s.send(t, "GET", "/api/v1/servers", header, nil); a.status != http.StatusOK {
		t.Errorf("with the new token: %d", a.status)
	}
	s.call(t, "POST", "/api/v1/tokens", `{"label":"x","user":"nobody"}`).problem(t, http.StatusUnprocessableEntity, "body.user")
	s.call(t, "POST", "/api/v1/tokens", `{"label":" "}`).problem(t, http.StatusUnprocessableEntity, "body.label")
	s.call(t, "POST", "/api/v1/tokens", `{"label":"x","expires_at":"2001-01-01T00:00:00Z"}`).problem(t, http.StatusUnprocessableEntity,
		"body.expires_at")

	// Zoey, an administrator, sees the tokens of all users; the guest sees its own.
	list := func(as string) []apitype.KnownToken {
		var all []apitype.KnownToken
		s.send(t, "GET", "/api/v1/tokens", withToken(as), nil).into(t, &all)
		return all
	}
	i := slices.IndexFunc(list(token.Token), func(v apitype.KnownToken) bool { return v.User == "Zoey" && v.Label == "script" })
	if i < 0 || len(list(token.Token)) != 4 {
		t.Fatalf("got %+v", list(token.Token))
	}
	id := list(token.Token)[i].ID
	if own := list(s.guest); len(own) != 1 || own[0].User != "guest" {
		t.Errorf("got %+v", own)
	}
	if a := s.send(t, "DELETE", "/api/v1/tokens/"+id, withToken(s.guest),
		nil); a.status != http.StatusNotFound {
		t.Errorf("another user's token: %d %s", a.status, a.body)
	}
	if a := s.call(t, "DELETE", "/api/v1/tokens/"+id, nil); a.status != http.StatusOK {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	if a := s.send(t, "GET", "/api/v1/servers", header, nil); a.status != http.StatusUnauthorized {
		t.Errorf("with the revoked token: %d", a.status)
	}
	own := list(s.guest)[0].ID
	if a := s.send(t, "DELETE", "/api/v1/tokens/"+own, withToken(s.guest),
		nil); a.status != http.StatusOK {
		t.Errorf("the guest's own: %d %s", a.status, a.body)
	}
}

// Answers contain the id of each object, and a later object of the same name has another id.
func TestAnswersContainIDs(t *testing.T) {
	s := newSite(t)
	id := func(path string, member string) any {
		t.Helper()
		var v map[string]any
		s.call(t, "GET", path, nil).into(t, &v)
		return v[member]
	}
	s.create(t, "alpha")
	s.call(t, "POST", "/api/v1/blueprints", `{"name":"alpha"}`)
	s.call(t, "POST", "/api/v1/overlays", `{"name":"alpha","kind":"files"}`)
	for path, kind := range map[string]left4me.TargetKind{
		"/api/v1/servers/alpha": left4me.ServerTarget, "/api/v1/blueprints/alpha": left4me.BlueprintTarget,
		"/api/v1/overlays/alpha": left4me.OverlayTarget,
	} {
		on := must(s.store.Target(t.Context(), kind, "alpha"))(t)
		if got := id(path, "id"); on.ID == "" || got != string(on.ID) {
			t.Errorf("%s is %v, want %s", path, got, on.ID)
		}
	}
	var job apitype.Job
	s.call(t, "POST", "/api/v1/servers/alpha/start", nil).into(t, &job)
	if got := id("/api/v1/jobs/"+string(job.ID), "target_id"); got != id("/api/v1/servers/alpha", "id") {
		t.Errorf("the target of the job is %v", got)
	}
}
