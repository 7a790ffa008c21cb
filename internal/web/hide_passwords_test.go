package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// Viewers see no passwords, neither on pages nor in their streams.
func TestViewerSeesNoPasswords(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.overlay(t,
		left4me.Overlay{
			Name:   "made",
			Kind:   left4me.ScriptOverlay,
			Cfg:    []string{`sv_password"zoey"`},
			Script: &left4me.Script{Text: "echo 'sv_password \"zoey\"' >server.cfg\n"},
		})
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running})
	lines := []string{`sv_password"zoey"`, `"sv_password" = "zoey" ( def. "" )`, `rcon from "127.0.0.1:1": command "sv_password{zoey}"`}
	text := strings.Join(lines, "\n") + "\n"
	s.host.print("alpha", text)
	crash := bus.Crash{V: bus.Version, Server: "alpha", At: time.Now(), Exit: "segmentation fault", Lines: lines}
	if err := s.bus.Record(t.Context(), left4me.LocalHost, bus.KindCrash, "1", crash); err != nil {
		t.Fatal(err)
	}
	must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.StartServer, "alpha"))(t)
	d := s.host.next(t)
	step := left4me.Step{Label: left4me.StepLaunch, State: left4me.StepFailed, Note: `left out sv_password"zoey"`}
	r := bus.JobReport{V: bus.Version, ID: d.ID, State: left4me.JobRunning, Steps: []left4me.Step{step}, Log: lines}
	if err := s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindJob), r); err != nil {
		t.Fatal(err)
	}
	admin, guest := s.as(t, "admin"), s.as(t, "guest")
	job := "/jobs/" + string(d.ID)
	await(t, "the output of the job", func() bool { return strings.Contains(admin.get(job).body, "zoey") })
	s.host.report(t, d, left4me.JobFailed,
		&left4me.Error{Kind: left4me.Unavailable, Text: "it ended: db_password=zoey", Hint: "see sv_password zoey"}, step)
	await(t, "the crash", func() bool {
		return strings.Contains(admin.get("/servers/alpha/history").body, "segmentation fault") &&
			strings.Contains(admin.get(job).body, "ended")
	})
	for _, path := range []string{
		"/servers/alpha/console", "/servers/alpha/history", job, "/overlays/made/script", "/overlays/made/settings",
	} {
		if p := admin.get(path); !strings.Contains(p.body, "zoey") {
			t.Errorf("%s: an administrator does not see the password: %s", path, p.body)
		}
		if p := guest.get(path); p.status != http.StatusOK || strings.Contains(p.body, "zoey") || !strings.Contains(p.body, "(hidden") {
			t.Errorf("%s: got status %d, want a page without the password: %s", path, p.status, p.body)
		}
	}
	for _, path := range []string{"/servers", "/servers/alpha", "/jobs", "/overlays/made"} {
		if p := guest.get(path); p.status != http.StatusOK || strings.Contains(p.body, "zoey") {
			t.Errorf("%s: got status %d, want a page without the password: %s", path, p.status, p.body)
		}
	}
	p := guest.get("/servers/alpha/console")
	s.host.print("alpha", text)
	e := wait(t, guest.stream(streamOf(t, p)), "the next lines", func(e sentEvent) bool { return e.name == "console" })
	if strings.Contains(e.data, "zoey") || !strings.Contains(e.data, "hidden") {
		t.Errorf("got event %s, want the password hidden", e.data)
	}
}
