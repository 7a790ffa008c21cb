package web_test

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/left4me"
)

// running reports a server as running with a number of players.
func (s *site) running(tb testing.TB, name left4me.Name, players ...string) {
	tb.Helper()
	st := left4me.Status{Name: name, State: left4me.Running, Players: len(players), PID: 100, Map: "c1m1_hotel"}
	for _, p := range players {
		st.Online = append(st.Online, left4me.Player{Name: p})
	}
	s.tell(tb, st)
}

// rowNames returns the names of the servers in the list, in order.
func rowNames(body string) string {
	var names []string
	for _, m := range regexp.MustCompile(`<tr role="row" id="server-([a-z]+)"[^>]*>`).FindAllStringSubmatch(body, -1) {
		if !strings.Contains(m[0], " hidden") {
			names = append(names, m[1])
		}
	}
	return strings.Join(names, " ")
}

func TestListSortsByColumnInAddress(t *testing.T) {
	s := newSite(t, false)
	for _, name := range []left4me.Name{"alpha", "beta", "gamma"} {
		s.addServer(t, name)
	}
	s.running(t, "alpha", "Ann")
	s.running(t, "gamma", "Bob", "Cid")
	b := s.as(t, "admin")
	for query, want := range map[string]string{
		"":                               "alpha beta gamma",
		"?sort=-name":                    "gamma beta alpha",
		"?sort=-players":                 "gamma alpha beta",
		"?sort=players":                  "beta alpha gamma",
		"?sort=state":                    "alpha gamma beta",
		"?sort=-players&sort=name":       "alpha beta gamma",
		"?sort=nonsense":                 "alpha beta gamma",
		"?sort=-players&q=a":             "gamma alpha beta",
		"?sort=-players&q=default+alpha": "alpha",
	} {
		p := b.get("/servers" + query)
		p.has(t, http.StatusOK)
		if got := rowNames(p.body); got != want {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
	p := b.get("/servers?sort=-players")
	p.has(t, http.StatusOK, `aria-sort="descending"`, `name="sort" value="players"`, `name="sort" value="state"`)
	if n := strings.Count(p.body, `aria-sort="none"`); n != 2 {
		t.Errorf("%d columns without an order", n)
	}
}

func TestListFindsServersByOverlay(t *testing.T) {
	s := newSite(t, false)
	for blueprint, overlay := range map[left4me.Name]left4me.Name{"versus": "harbour", "coop": "pier"} {
		v := left4me.Blueprint{Name: blueprint, Overlays: []left4me.OverlayRef{{Name: overlay}}}
		if err := s.store.Blueprints().Create(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	for name, v := range map[left4me.Name]left4me.Server{
		"alpha": {Blueprint: "versus"}, "beta": {}, "gamma": {Blueprint: "coop"},
	} {
		v.Name = name
		must(s.servers.Create(t.Context(), left4me.ByUser("tester"), v))(t)
	}
	b := s.as(t, "admin")
	for query, want := range map[string]string{"harbour": "alpha", "pier": "gamma", "versus": "alpha", "beta": "beta"} {
		if got := rowNames(b.get("/servers?q=" + query).body); got != want {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
}

// A server with people on it is stopped and restarted only after a question; an empty one at once.
func TestStopAndRestartAskWhilePeoplePlay(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	for verb, named := range map[string]string{"stop": "Stop", "restart": "Restart"} {
		s.running(t, "alpha", "Ann")
		p := b.post("/servers/alpha/"+verb, "back", "/servers")
		to := "/bulk?back=%2Fservers&do=" + verb + "&servers=alpha"
		if p.status != http.StatusSeeOther || p.header.Get("Location") != to {
			t.Errorf("%s: %d, %q", verb, p.status, p.header.Get("Location"))
		}
		p = b.do(http.MethodPost, "/servers/alpha/"+verb, "back=%2Fservers", "Content-Type", "application/x-www-form-urlencoded",
			"Sec-Fetch-Site", "same-origin", "X-Left4me", "live")
		if p.status != http.StatusNoContent || p.header.Get("X-Left4me-Open") != to {
			t.Errorf("%s by a script: %d, %q", verb, p.status, p.header.Get("X-Left4me-Open"))
		}
		b.get(to).has(t, http.StatusOK, "1 person is playing.", "1 player: Ann", named+" now", named+" when empty", `href="/servers"`)
		if active := must(s.jobs.Active(t.Context(), "server"))(t); len(active) > 0 {
			t.Fatalf("%s: a job without an answer: %v", verb, active)
		}
	}
	if p := b.post("/bulk", "do", "restart", "mode", "now", "server", "alpha", "back", "/servers"); p.header.Get("Location") != "/servers" {
		t.Errorf("%d, %q", p.status, p.header.Get("Location"))
	}
	d := s.host.next(t)
	if d.Kind != left4me.RestartServer {
		t.Errorf("%s", d.Kind)
	}
	s.host.report(t, d, left4me.JobDone, nil)
	s.running(t, "alpha")
	if p := b.post("/servers/alpha/stop"); p.header.Get("Location") != "/servers/alpha" {
		t.Errorf("an empty server: %d, %q", p.status, p.header.Get("Location"))
	}
	if d := s.host.next(t); d.Kind != left4me.StopServer {
		t.Errorf("%s", d.Kind)
	}
}

func TestSelectedServersRestartOneAfterTheOther(t *testing.T) {
	s := newSite(t, false)
	for _, name := range []left4me.Name{"alpha", "beta", "gamma"} {
		s.addServer(t, name)
	}
	s.running(t, "alpha", "Ann")
	s.running(t, "beta")
	b := s.as(t, "admin")
	b.get("/servers").has(t, http.StatusOK, `name="server" value="alpha"`, "Restart alpha")
	b.get("/servers?tick=all&q=beta").has(t, http.StatusOK, `value="beta" checked`)
	b.post("/bulk/choose", "do", "restart").has(t, http.StatusUnprocessableEntity, "No server is selected")
	p := b.post("/bulk/choose", "do", "restart", "server", "alpha", "server", "beta", "server", "gamma", "back", "/servers")
	to := p.header.Get("Location")
	if to != "/bulk?back=%2Fservers&do=restart&servers=alpha,beta,gamma" {
		t.Fatalf("%q", to)
	}
	b.get(to).has(t, http.StatusOK, "Restart 2 servers?", "1 player: Ann", "The server is not running", "Restart one after the other")
	p = b.post("/bulk", "do", "restart", "mode", "one-by-one", "server", "alpha", "server", "beta")
	act := p.header.Get("Location")
	if !strings.HasPrefix(act, "/bulk/") {
		t.Fatalf("%d %s", p.status, p.body)
	}
	if d := s.host.next(t); d.Target != "beta" {
		t.Errorf("%s begins, though people play on it", d.Target)
	}
	b.get(act).has(t, http.StatusOK, "Restart of 2 servers", "Restarting", "Waiting", "Cancel restart")
	b.get("/servers").has(t, http.StatusOK, "Restarts after other servers", "0 of 2 servers done")
	b.get("/servers/alpha").has(t, http.StatusOK, "Restarts after other servers", "Cancel restart")
	guest := s.as(t, "guest")
	guest.get(act).has(t, http.StatusOK, "Waiting")
	guest.get(act).hasNot(t, "Cancel restart")
	guest.post(act+"/cancel").has(t, http.StatusForbidden)
	if p := b.post(act + "/cancel"); p.status != http.StatusSeeOther {
		t.Errorf("%d %s", p.status, p.body)
	}
	b.get(act).has(t, http.StatusOK, "Cancelled by admin.", "Restart the remaining servers")
	b.get("/servers").hasNot(t, "Restarts after other servers")
}

func TestGuestSelectsNoServers(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.running(t, "alpha")
	guest := s.as(t, "guest")
	guest.get("/servers").hasNot(t, `type="checkbox"`, "/bulk")
	guest.post("/bulk", "do", "stop", "mode", "now", "server", "alpha").has(t, http.StatusForbidden)
	if active := must(s.jobs.Active(t.Context(), "server"))(t); len(active) > 0 {
		t.Errorf("%v", active)
	}
}

func TestBlueprintIsSavedAndItsServersRestart(t *testing.T) {
	s := newSite(t, false)
	for _, name := range []left4me.Name{"alpha", "beta"} {
		s.addServer(t, name)
		s.running(t, name)
	}
	b := s.as(t, "admin")
	b.get("/blueprints/default").has(t, http.StatusOK, "Save and restart its 2 running servers",
		"/bulk?back=%2Fblueprints%2Fdefault&amp;blueprint=default")
	version := must(s.content.Blueprints().Get(t.Context(), "default"))(t).Version
	save := func() page {
		p := b.post("/blueprints/default", "version", strconv.Itoa(version), "maxplayers", "12", "then", "restart")
		version++
		return p
	}
	s.running(t, "alpha", "Ann")
	if to := save().header.Get("Location"); !strings.HasPrefix(to, "/bulk?") || !strings.Contains(to, "blueprint=default") {
		t.Errorf("while people play: %q", to)
	}
	s.running(t, "alpha")
	to := save().header.Get("Location")
	b.get(to).has(t, http.StatusOK, "Restart of 2 servers", "One after the other")
	if d := s.host.next(t); d.Kind != left4me.RestartServer {
		t.Errorf("%s", d.Kind)
	}
	all := must(s.bulk.List(t.Context(), accounts.Actor{UserID: 1, Name: "admin", Admin: true}))(t)
	if len(all) != 1 || all[0].Mode != string(bulk.OneByOne) {
		t.Errorf("%+v", all)
	}
}
