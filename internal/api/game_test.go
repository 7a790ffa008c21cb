package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// installed makes the host report an installed game, as a host does when it starts.
func (s *site) installed(t *testing.T) {
	t.Helper()
	s.host.set(func() {
		s.host.game = left4me.Game{
			Current: 9002, Latest: 9003, Outdated: true, CheckedAt: time.Now().UTC().Truncate(time.Second),
			Builds: []left4me.GameBuild{
				{Build: 9002, Version: "2.2.4.4", InstalledAt: time.Now(), Bytes: 1 << 20, Layers: []string{"update-9002", "base"}},
				{Build: 9001, Version: "2.2.4.3"},
			},
		}
	})
	if err := s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindHello), bus.Hello{V: bus.Version}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the game is seen", func() bool {
		var g apitype.Game
		s.call(t, "GET", "/api/v1/hosts/local/game", nil).into(t, &g)
		return g.Current == 9002
	})
}

func TestShowAndPinGame(t *testing.T) {
	s := newSite(t)
	s.installed(t)
	var g apitype.Game
	a := s.call(t, "GET", "/api/v1/hosts/local/game", nil)
	a.into(t, &g)
	if a.status != http.StatusOK || !g.Known || g.Current != 9002 || !g.Outdated || len(g.Builds) != 2 || !g.Builds[0].Current ||
		g.Builds[1].Current {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	if g.Policy.CheckHours != 6 || g.Policy.Restart != "never" || g.Rollout != nil || g.Job != nil {
		t.Errorf("got : %s", a.body)
	}
	for _, null := range []string{`"layers":null`, `"servers":null`} {
		if strings.Contains(string(a.body), null) {
			t.Errorf("%s in %s", null, a.body)
		}
	}
	a = s.call(t, "POST", "/api/v1/hosts/local/game/pin", `{"pinned":true}`)
	a.into(t, &g)
	if a.status != http.StatusOK || !g.Pinned {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	s.call(t, "POST", "/api/v1/hosts/local/game/update", nil).problem(t, http.StatusConflict)
}

func TestGameRequestsCreateJobs(t *testing.T) {
	s := newSite(t)
	s.installed(t)
	for verb, body := range map[string]any{
		"install":  nil,
		"update":   `{"restart":"empty"}`,
		"verify":   `{}`,
		"rollback": `{"build":9001,"restart":"04:30"}`,
		"check":    nil,
	} {
		var j apitype.Job
		a := s.call(t, "POST", "/api/v1/hosts/local/game/"+verb, body)
		a.into(t, &j)
		if a.status != http.StatusAccepted || j.Kind != left4me.JobKind("game."+verb) || j.Target != left4me.LocalHost || j.By != "admin" {
			t.Fatalf("%s: %d %s", verb, a.status, a.body)
		}
		eventually(t, verb+" ends", func() bool {
			s.call(t, "GET", "/api/v1/jobs/"+string(j.ID), nil).into(t, &j)
			return j.State.Ended()
		})
	}
	for _, c := range []struct {
		verb, body string
		status     int
		on         []string
	}{
		{"update", `{"restart":"soon"}`, 422, []string{"body.restart"}},
		{"update", `{"build":1}`, 422, []string{"body.build"}},
		{"rollback", `{"build":-1}`, 422, []string{"body.build"}},
		{"check", `{"restart":"now"}`, 422, []string{"body.restart"}},
		{"update", `{"restrat":"now"}`, 422, []string{"body.restrat"}},
		{"pin", `{}`, 422, []string{"body.pinned"}},
		{"remove", `{}`, 404, nil},
	} {
		s.call(t, "POST", "/api/v1/hosts/local/game/"+c.verb, c.body).problem(t, c.status, c.on...)
	}
}

func TestShowAndCancelRollout(t *testing.T) {
	s := newSite(t)
	s.installed(t)
	const path = "/api/v1/hosts/local/game/rollout"
	s.call(t, "GET", path, nil).problem(t, http.StatusNotFound)
	s.call(t, "DELETE", path, nil).problem(t, http.StatusNotFound)
	s.create(t, "alpha")
	s.host.says(t, left4me.Status{Name: "alpha", State: left4me.Running, Build: 9001, Players: 3})
	eventually(t, "the server's builds are told", func() bool {
		var v apitype.GameServer
		s.call(t, "GET", "/api/v1/servers/alpha", nil).into(t, &v)
		return v.Build == 9001 && v.NewBuild == 9002
	})
	s.call(t, "POST", "/api/v1/hosts/local/game/update", `{"restart":"empty"}`)
	var r apitype.Rollout
	eventually(t, "the server waits", func() bool {
		s.call(t, "GET", path, nil).into(t, &r)
		return len(r.Servers) == 1
	})
	if m := r.Servers[0]; r.State != "running" || r.Mode != "empty" || r.Build != 9002 || m.Server != "alpha" || m.State != "wants" ||
		m.Reason != "3 players are connected" {
		t.Errorf("got %+v", r)
	}
	a := s.call(t, "DELETE", path, nil)
	a.into(t, &r)
	if a.status != http.StatusOK || r.State != "cancelled" || r.Reason != "cancelled by admin" {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
}

func TestGamePolicyIsSavedAndChecked(t *testing.T) {
	s := newSite(t)
	const path = "/api/v1/hosts/local/game/policy"
	want := apitype.GamePolicy{CheckHours: 12, Update: true, UpdateAt: "05:00", Restart: "empty"}
	var p apitype.GamePolicy
	a := s.call(t, "PUT", path, want)
	a.into(t, &p)
	if a.status != http.StatusOK || p != want {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	s.call(t, "GET", path, nil).into(t, &p)
	if p != want {
		t.Errorf("got %+v", p)
	}
	s.call(t, "PUT", path, `{"check_hours":-3,"update":false,"update_at":"25:00","restart":"x"}`).problem(t, 422, "body.check_hours",
		"body.update_at", "body.restart")
	if a := s.call(t, "POST", path, want); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") == "" {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
}

func TestGameRequestsNeedRights(t *testing.T) {
	s := newSite(t)
	guest := http.Header{"Authorization": {"Bearer " + s.guest}, "Content-Type": {"application/json"}}
	for _, r := range []string{
		"POST install", "POST update", "POST verify", "POST rollback", "POST check", "POST pin", "PUT policy",
		"DELETE rollout",
	} {
		method, verb, _ := strings.Cut(r, " ")
		s.send(t, method, "/api/v1/hosts/local/game/"+verb, guest,
			strings.NewReader(`{"pinned":true,"check_hours":0,"update":false}`)).problem(t, http.StatusForbidden)
		header := http.Header{"Authorization": {"Bearer " + s.admin}, "Content-Type": {"application/json"}}
		body := map[string]string{"pin": `{"pinned":true}`, "policy": `{"check_hours":0,"update":false}`}[verb]
		if body == "" {
			body = `{}`
		}
		s.send(t, method, "/api/v1/hosts/far/game/"+verb, header, strings.NewReader(body)).problem(t, http.StatusNotFound)
	}
	for _, verb := range []string{"", "/policy"} {
		if a := s.send(t, "GET", "/api/v1/hosts/local/game"+verb, guest, nil); a.status != http.StatusOK {
			t.Errorf("GET as a guest: %d %s", a.status, a.body)
		}
		s.call(t, "GET", "/api/v1/hosts/far/game"+verb, nil).problem(t, http.StatusNotFound)
	}
	s.call(t, "GET", "/api/v1/hosts/far/game/rollout", nil).problem(t, http.StatusNotFound)
}

func TestCancelledGameJobCanBeRetried(t *testing.T) {
	s := newSite(t)
	s.host.set(func() { s.host.work = false })
	var j, again apitype.Job
	s.call(t, "POST", "/api/v1/hosts/local/game/rollback", `{"build":9001}`).into(t, &j)
	s.call(t, "POST", "/api/v1/jobs/"+string(j.ID)+"/cancel", nil)
	a := s.call(t, "POST", "/api/v1/jobs/"+string(j.ID)+"/retry", nil)
	a.into(t, &again)
	if a.status != http.StatusAccepted || again.Kind != left4me.RollbackGame || again.ID == j.ID {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	if q := must(s.store.Jobs().Get(t.Context(), again.ID))(t); string(q.Spec) != `{"build":9001}` {
		t.Errorf("the job's spec is %s", q.Spec)
	}
}
