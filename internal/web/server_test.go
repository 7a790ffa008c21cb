package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

func TestEmptyListShowsGettingStarted(t *testing.T) {
	s := newSite(t, false)
	s.as(t, "admin").get("/servers").has(t, http.StatusOK, "Getting started", `href="/servers/new"`)
}

func TestServerFormCreatesServer(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	b.get("/servers/new").has(t, http.StatusOK, `<option value="default" selected>`,
		`<option value="c1m1_hotel">Dead Center, chapter 1</option>`)
	p := b.post("/servers/new", "name", "alpha", "blueprint", "default", "hostname", `Bill's <i>`, "map", "c2m1_highway",
		"max_players", "8", "difficulty", "Hard", "cfg", "sv_lan 0\r\nsv_consistency 1\r\n")
	if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != "/servers/alpha?created=yes" {
		t.Fatalf("got status %d, location %s: %s", p.status, to, p.body)
	}
	v := must(s.servers.Get(t.Context(), "alpha"))(t)
	if v.Port != 27015 || v.Settings.Hostname != `Bill's <i>` || v.Settings.MaxPlayers != 8 ||
		strings.Join(v.Settings.Cfg, "|") != "sv_lan 0|sv_consistency 1" {
		t.Errorf("got server %+v", v.Server)
	}
	b.get("/servers/alpha/settings").has(t, http.StatusOK, "Bill&#39;s &lt;i&gt;", "c2m1_highway", "sv_consistency 1", "27015")
}

func TestServerFormShowsProblemsAtFields(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "taken")
	b := s.as(t, "admin")
	p := b.post("/servers/new", "name", "No Way", "blueprint", "default", "map", "a b", "max_players", "99", "difficulty", "Silly",
		"hostname", "typed text", "cfg", "ok\nbad\x01line")
	p.has(t, http.StatusUnprocessableEntity, `id="name-problem"`, `id="map-problem"`, `id="max_players-problem"`, `id="difficulty-problem"`,
		`id="cfg-problem"`, "line 2: the value contains a control character", `value="No Way"`, `value="a b"`, `value="typed text"`,
		`aria-invalid="true"`)
	p.hasNot(t, `id="hostname-problem"`, `id="port-problem"`)
	b.post("/servers/new", "name", "beta", "port", "many").has(t, http.StatusUnprocessableEntity, `id="port-problem"`, `value="many"`)
	b.post("/servers/new", "name", "beta", "port", "80").has(t, http.StatusUnprocessableEntity, "out of range")
	b.post("/servers/new", "name", "taken").has(t, http.StatusConflict, `id="name-problem"`)
	b.post("/servers/new", "name", "beta", "port", "27015").has(t, http.StatusConflict, `id="port-problem"`, "taken")
	b.post("/servers/new", "name", "beta", "blueprint", "none").has(t, http.StatusUnprocessableEntity, `id="blueprint-problem"`)
	if all := must(s.servers.List(t.Context()))(t); len(all) != 1 {
		t.Errorf("got %d servers, want 1", len(all))
	}
}

func TestHostileNamesAreEscaped(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	evil := "<script>alert(1)</script>\u202Egnp\x1b[2J\"'"
	s.host.print("alpha", evil+"\n")
	s.tell(t, left4me.Status{
		Name: "alpha", State: left4me.Running, PID: 7, Hostname: evil, Map: "<b>map", Players: 1, MaxPlayers: 8, Reason: evil,
		Online: []left4me.Player{{Name: evil, Score: 3, Duration: time.Minute}},
	})
	b := s.as(t, "admin")
	shown := "&lt;script&gt;alert(1)&lt;/script&gt;‹202E›gnp␛[2J&#34;&#39;"
	b.get("/servers").has(t, http.StatusOK, shown)
	b.get("/servers/alpha").has(t, http.StatusOK, shown)
	b.get("/servers/alpha/console").has(t, http.StatusOK, shown)
	for _, path := range []string{"/servers", "/servers/alpha", "/servers/alpha/console"} {
		b.get(path).hasNot(t, "<script>alert", "\u202E", "\x1b", "<b>map")
	}
	e := wait(t, b.stream("/servers/alpha/console/live"), "the console", func(e sentEvent) bool { return e.name == "console" })
	if strings.Contains(e.data, "\u202E") || strings.Contains(e.data, "<script>") || !strings.Contains(e.data, "‹202E›gnp␛[2J") {
		t.Errorf("got event %s", e.data)
	}
	b.get("/servers?q="+"%3Cscript%3E%22%3E").hasNot(t, `value="<script>`)
}

func TestServerFilterWorksWithoutScripts(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.addServer(t, "beta")
	s.tell(t, left4me.Status{Name: "beta", State: left4me.Running, Map: "c2m3_coaster"})
	b := s.as(t, "admin")
	p := b.get("/servers?q=dark+carnival")
	p.has(t, http.StatusOK, `value="dark carnival"`)
	alpha, beta := row(t, p.body, "server-alpha"), row(t, p.body, "server-beta")
	if !strings.Contains(alpha, " hidden>") || strings.Contains(beta, " hidden>") {
		t.Errorf("got rows\n%s\n%s\nwant only the first one hidden", alpha, beta)
	}
	b.get("/servers?q=zzz").has(t, http.StatusOK, `<p id="no-match" class="empty">`)
}

// row returns the opening tag of the element with the id.
func row(t *testing.T, body, id string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, `id="`+id+`"`)
	if !ok {
		t.Fatalf("no element has the id %s: %s", id, body)
	}
	tag, _, _ := strings.Cut(rest, "\n")
	return tag[:strings.Index(tag, ">")+1]
}

func TestServerButtonsCreateJobs(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	p := b.post("/servers/alpha/start", "back", "/servers?q=a")
	if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != "/servers?q=a" {
		t.Errorf("got status %d, location %s", p.status, to)
	}
	d := s.host.next(t)
	if d.Kind != left4me.StartServer || d.Target != "alpha" {
		t.Errorf("got job %+v", d)
	}
	s.host.report(t, d, left4me.JobRunning, nil, left4me.Step{Label: left4me.StepLaunch, State: left4me.StepRunning})
	await(t, "the step on the page", func() bool { return strings.Contains(b.get("/servers/alpha").body, "Start server") })
	b.get("/servers").has(t, http.StatusOK, "Start server")
	s.host.report(t, d, left4me.JobDone, nil)
	if p := b.do(http.MethodPost, "/servers/alpha/stop", "", "X-Left4me", "live", "Sec-Fetch-Site",
		"same-origin"); p.status != http.StatusNoContent {
		t.Errorf("got status %d for a request of a script, want 204: %s", p.status, p.body)
	}
	b.do(http.MethodPost, "/servers/none/stop", "", "X-Left4me", "live", "Sec-Fetch-Site", "same-origin").has(t, http.StatusNotFound,
		`"text":`)
}

func TestDeletingServerRequiresItsName(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	says := map[string]string{"reset": "This cannot be undone", "delete": "You can restore the server for 7 days"}
	for verb, kind := range map[string]left4me.JobKind{"reset": left4me.ResetServer, "delete": left4me.DeleteServer} {
		b.get("/servers/alpha/"+verb).has(t, http.StatusOK, says[verb], `name="confirm"`)
		b.post("/servers/alpha/"+verb, "confirm", "alfa").has(t, http.StatusUnprocessableEntity, "The name does not match.", `value="alfa"`)
		if all := must(s.jobs.List(t.Context(), "server", "alpha", 10))(t); len(all) > 0 && all[0].Kind == kind {
			t.Fatalf("%s was accepted with a wrong name", verb)
		}
		p := b.post("/servers/alpha/"+verb, "confirm", "alpha")
		job := must(s.jobs.List(t.Context(), "server", "alpha", 1))(t)[0]
		if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != "/jobs/"+string(job.ID) || job.Kind != kind {
			t.Errorf("got status %d, location %s, job %+v", p.status, to, job)
		}
		s.host.report(t, s.host.next(t), left4me.JobCancelled, nil)
	}
}

func TestRenamePageRenamesServer(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.addServer(t, "taken")
	b := s.as(t, "admin")
	b.get("/servers/alpha").has(t, http.StatusOK, `href="/servers/alpha/rename"`)
	b.get("/servers/alpha/rename").has(t, http.StatusOK, `name="name"`, `value="alpha"`)
	b.post("/servers/alpha/rename", "name", "No <i>").has(t, http.StatusUnprocessableEntity, `id="name-problem"`, `value="No &lt;i&gt;"`)
	b.post("/servers/alpha/rename", "name", "taken").has(t, http.StatusConflict, `id="name-problem"`, `value="taken"`)
	p := b.post("/servers/alpha/rename", "name", " beta ")
	if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != "/servers/beta" {
		t.Fatalf("got status %d, location %s: %s", p.status, to, p.body)
	}
	b.get("/servers/beta").has(t, http.StatusOK, `href="/servers/beta/rename"`, "named alpha there until the next start")
	for _, old := range []string{"", "/settings", "/console", "/rename"} {
		b.get("/servers/alpha"+old).has(t, http.StatusNotFound)
	}
	b.post("/servers/alpha/rename", "name", "gamma").has(t, http.StatusNotFound)
	b.post("/servers/new", "name", "alpha").has(t, http.StatusConflict, `id="name-problem"`)
	s.as(t, "guest").get("/servers/beta").hasNot(t, "/servers/beta/rename")
}

func TestHistoryShowsJobsAndCrashes(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	crash := bus.Crash{
		V:      bus.Version,
		Server: "alpha",
		At:     time.Now(),
		Exit:   "segmentation fault",
		Uptime: 3 * time.Second,
		Lines:  []string{"Host_Error: \x1b<bad>"},
	}
	if err := s.bus.Record(t.Context(), left4me.LocalHost, bus.KindCrash, "1", crash); err != nil {
		t.Fatal(err)
	}
	must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.StartServer, "alpha"))(t)
	b := s.as(t, "admin")
	await(t, "the crash", func() bool { return strings.Contains(b.get("/servers/alpha/history").body, "segmentation fault") })
	b.get("/servers/alpha/history").has(t, http.StatusOK, "Host_Error: ␛&lt;bad&gt;", "after running for 3 s", "Start")
}
