package web_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/left4me"
)

// has sets the game that the host reports, as at the start of its agent.
func (s *site) has(tb testing.TB, v left4me.Game) {
	tb.Helper()
	s.host.mu.Lock()
	s.host.game = v
	s.host.mu.Unlock()
	if err := s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindHello), bus.Hello{V: bus.Version}); err != nil {
		tb.Fatal(err)
	}
	await(tb, "the host's answer", func() bool {
		now, ok := s.game.LastAnswer(left4me.LocalHost)
		return ok && now.Current == v.Current && now.Latest == v.Latest
	})
}

var installed = left4me.Game{
	Current: 9002, Latest: 9003, Outdated: true, CheckedAt: time.Now(),
	Builds: []left4me.GameBuild{
		{Build: 9002, Version: "2.2.4.4", InstalledAt: time.Now(), Bytes: 5e6},
		{Build: 9001, Version: "2.2.4.3", Bytes: 9e9},
	},
}

func TestGamePageInstallsGame(t *testing.T) {
	s := newSite(t, false)
	s.has(t, left4me.Game{})
	b := s.as(t, "admin")
	b.get("/game").has(t, 200, "The game is not installed", `action="/game/install"`)
	b.get("/servers").has(t, 200, `<a href="/game">Install the game</a>`)
	s.addServer(t, "alpha")
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running, Build: 9002})
	events := b.stream("/game/live")
	b.post("/game/install").has(t, http.StatusSeeOther)
	d := s.host.next(t)
	if d.Kind != left4me.InstallGame || d.Target != left4me.LocalHost {
		t.Fatalf("got job %+v", d)
	}
	download := left4me.Step{
		Label: left4me.StepDownload, State: left4me.StepRunning, StartedAt: time.Now(),
		Progress: left4me.Progress{Done: 3e9, Total: 9e9, Unit: "bytes", Rate: 20e6},
	}
	r := bus.JobReport{
		V:     bus.Version,
		ID:    d.ID,
		State: left4me.JobRunning,
		Steps: []left4me.Step{download},
		Log:   []string{"Update state (0x61) <b>\x1b[1m"},
	}
	publish := func() {
		if err := s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindJob), r); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	wait(t, events, "the progress", func(e sentEvent) bool {
		return strings.Contains(e.data, "33 %") && strings.Contains(e.data, "3.00 GB of 9.00 GB") &&
			strings.Contains(e.data, "Update state (0x61) &lt;b&gt;␛[1m")
	})
	page := b.get("/game")
	page.has(t, 200, "game-work", "3.00 GB", "/cancel")
	page.hasNot(t, `action="/game/install"`)
	b.get("/jobs/"+string(d.ID)).has(t, 200, "Install game on local", "Output", `href="/game"`)

	s.host.report(t, d, left4me.JobFailed,
		&left4me.Error{
			Kind: left4me.Unavailable,
			Text: "SteamCMD could not reach Steam",
			Hint: "see that this machine reaches the internet",
		},
		download)
	wait(t, events, "the error", func(e sentEvent) bool {
		return strings.Contains(e.data, "SteamCMD could not reach Steam.") && strings.Contains(e.data, "reaches the internet") &&
			strings.Contains(e.data, "Retry")
	})
	again := b.post("/jobs/" + string(d.ID) + "/retry")
	again.has(t, http.StatusSeeOther)
	d = s.host.next(t)
	s.host.mu.Lock()
	s.host.game = installed
	s.host.mu.Unlock()
	s.host.report(t, d, left4me.JobDone, nil)
	wait(t, events, "the installed build", func(e sentEvent) bool { return strings.Contains(e.data, "Build 9002") })
	page = b.get("/game")
	page.has(t, 200, "Build 9002", "2.2.4.4", "Newer build available", `action="/game/update"`, "/game/rollback?build=9001",
		"9.00 GB", "1 running server<")
	page.hasNot(t, "/game/rollback?build=9002")
}

func TestServerListShowsNewerBuild(t *testing.T) {
	s := newSite(t, false)
	old := installed
	old.Latest, old.Outdated = 9002, false
	s.has(t, old)
	s.addServer(t, "alpha")
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running, Build: 9001, Map: "c1m1_hotel"})
	b := s.as(t, "guest")
	page := b.get("/servers")
	page.has(t, 200, "Restart required for build 9002")
	page.hasNot(t, "A newer build")
	b.get("/servers/alpha").has(t, 200, "Restart required for build 9002", "Build 9001")
	events := b.stream("/servers/live?have=x")
	s.has(t, installed)
	wait(t, events, "the notice", func(e sentEvent) bool {
		return strings.Contains(e.data, "A newer build of the game is available")
	})
	b.get("/servers").has(t, 200, "A newer build of the game is available")
	pinned := installed
	pinned.Pinned = true
	s.has(t, pinned)
	await(t, "no notice for a pinned build", func() bool {
		return !strings.Contains(b.get("/servers").body, "A newer build of the game is available")
	})
}

// An update or rollback that restarts servers immediately is confirmed first while people are playing.
func TestGameAsksBeforeRestartingServersWithPlayers(t *testing.T) {
	s := newSite(t, false)
	s.has(t, installed)
	s.addServer(t, "alpha")
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running, Build: 9001, Players: 2})
	b := s.as(t, "admin")
	b.get("/game").has(t, 200, "2 people are playing on 1 server.", "Restart where needed", "needs_restart=1")
	b.get("/game/rollback?build=9001").has(t, 200, "2 people are playing on 1 server.")
	for form, question := range map[string]string{
		"/game/update":   "/game/update?restart=now",
		"/game/rollback": "/game/rollback?build=9001&restart=now",
	} {
		asked := b.post(form, "build", map[string]string{"/game/rollback": "9001"}[form], "restart", "now")
		asked.has(t, http.StatusSeeOther)
		if to := asked.header.Get("Location"); to != question {
			t.Errorf("%s: got a redirect to %q, want %q", form, to, question)
		}
		b.get(question).has(t, 200, "2 people are playing on 1 server.", "A restart disconnects them", "alpha",
			`name="restart" value="empty"`, `name="restart" value="now"`, `name="asked" value="yes"`)
	}
	b.post("/game/rollback", "build", "9001", "restart", "now", "asked", "yes").has(t, http.StatusSeeOther)
	if d := s.host.next(t); d.Kind != left4me.RollbackGame {
		t.Errorf("got job %+v, want the rollback", d)
	}
}

func TestGamePageShowsRollout(t *testing.T) {
	s := newSite(t, false)
	s.has(t, installed)
	s.addServer(t, "alpha")
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running, Build: 9001, Players: 2})
	b := s.as(t, "admin")
	b.get("/game/rollback?build=9001").has(t, 200, "Roll back to build 9001?", "Both builds stay on disk")
	b.get("/game/rollback?build=7").has(t, 404, "is not installed on the host")
	b.post("/game/rollback", "build", "9001x").has(t, 422)
	b.post("/game/update", "restart", "at", "hour", "").has(t, 422, "is not a valid time for restarts")
	b.post("/game/update", "restart", "empty", "hour", "05:00").has(t, http.StatusSeeOther)
	b.get("/game").has(t, 200, "Rollout starts after the current job", "Waiting")
	s.host.report(t, s.host.next(t), left4me.JobDone, nil)
	await(t, "the waiting server", func() bool {
		page := b.get("/game")
		return strings.Contains(page.body, "Rollout of build 9002") && strings.Contains(page.body, "2 players are connected")
	})
	b.post("/game/rollout/cancel").has(t, http.StatusSeeOther)
	page := b.get("/game")
	page.has(t, 200, "Cancelled", "Cancelled by admin.", "Requested by admin.")
	page.hasNot(t, "/game/rollout/cancel")
	b.post("/game/rollback", "build", "9001", "restart", "at", "hour", "04:30").has(t, http.StatusSeeOther)
	if d := s.host.next(t); d.Kind != left4me.RollbackGame || string(d.Spec) != `{"build":9001}` {
		t.Errorf("got job %+v, spec %s", d, d.Spec)
	}
	b.get("/game").has(t, 200, "All servers restart at 04:30.")
}

func TestGamePageSavesUpdatePolicy(t *testing.T) {
	s := newSite(t, false)
	s.has(t, installed)
	b := s.as(t, "admin")
	b.get("/game").has(t, 200, `<option value="6" selected>Every 6 hours</option>`)
	b.post("/game/policy", "check_hours", "12", "update", "yes", "update_at", "05:15", "restart", "at", "hour", "06:00").has(t,
		http.StatusSeeOther)
	p, err := s.game.Policy(t.Context(), left4me.LocalHost)
	if want := (game.Policy{CheckEvery: 12 * time.Hour, Update: true, UpdateAt: "05:15", Restart: "06:00"}); err != nil || p != want {
		t.Errorf("got policy %+v, error %v", p, err)
	}
	b.get("/game").has(t, 200, `value="05:15"`, `value="06:00"`, `<option value="at" selected>`, "checked", "Every 12 hours")
	b.post("/game/policy", "check_hours", "0", "update", "yes", "update_at", "25:00", "restart", "never").has(t, 422,
		"Scheduled updates require scheduled checks", "is not a time of day")
	b.post("/game/policy", "check_hours", "x").has(t, 422, "time between two checks is out of range")
}

func TestGamePagePinsBuild(t *testing.T) {
	s := newSite(t, false)
	s.has(t, installed)
	b := s.as(t, "admin")
	b.post("/game/pin", "pinned", "yes").has(t, http.StatusSeeOther)
	b.get("/game").has(t, 200, "Pinned", "Unpin this build", "to allow updates")
	b.post("/game/update").has(t, http.StatusConflict, "is pinned")
	b.post("/game/pin", "pinned", "no").has(t, http.StatusSeeOther)
	b.get("/game").hasNot(t, "Unpin")
}

func TestViewerCannotChangeGame(t *testing.T) {
	s := newSite(t, false)
	s.has(t, installed)
	b := s.as(t, "guest")
	page := b.get("/game")
	page.has(t, 200, "Build 9002")
	page.hasNot(t, `action="/game/update"`, "/game/rollback?")
	for _, path := range []string{"install", "update", "verify", "check", "rollback", "pin", "policy", "rollout/cancel"} {
		b.post("/game/"+path).has(t, http.StatusForbidden)
	}
	if _, err := s.game.Rollout(t.Context(), left4me.LocalHost); err != nil && !errors.Is(err, left4me.NotFound) {
		t.Error(err)
	}
	if all := must(s.jobs.List(t.Context(), "game", left4me.LocalHost, 5))(t); len(all) > 0 {
		t.Errorf("got jobs %+v", all)
	}
}
