package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// secretLines contain the password zoey in the notations of the game, of people and of plugins.
var secretLines = []string{
	`sv_password"zoey"`, `sv_password zoey`, `"sv_password" = "zoey" ( def. "" ) notify`, `sm_cvar sv_password{zoey}`,
	`say hi;sv_password zoey`,
	`rcon from "127.0.0.1:1": command "sv_password "zoey""`, `sv_password zoey // for zoey`,
}

// No answer shows passwords to users who may not change the object.
func TestPasswordsAreHiddenFromGuests(t *testing.T) {
	s := newSite(t)
	end := &left4me.Error{Kind: left4me.Unavailable, Text: "the script ended: db_password=zoey", Hint: "see sv_password zoey"}
	s.host.set(func() {
		s.host.console = strings.Join(secretLines, "\n") + "\n"
		s.host.report = bus.JobReport{State: left4me.JobFailed, Error: end, Log: secretLines, Steps: []left4me.Step{
			{Label: left4me.StepLaunch, State: left4me.StepFailed, Note: `left out sv_password"zoey"`, Warning: "sv_password zoey"},
		}}
	})
	s.create(t, "alpha")
	s.call(t, "PUT", "/api/v1/servers/alpha", map[string]any{"settings": map[string]any{
		"password": "zoey", "cfg": []string{`sv_password"zoey"`, `alias p "sv_password zoey"`}, "args": []string{"+tv_password", "zoey"},
	}})
	s.call(t, "POST", "/api/v1/blueprints",
		map[string]any{"name": "versus", "settings": map[string]any{"cfg": []string{`sv_password"zoey"`}}})
	s.call(t, "POST", "/api/v1/overlays",
		map[string]any{
			"name":   "made",
			"kind":   "script",
			"cfg":    []string{`sv_password'zoey'`},
			"script": map[string]any{"text": "echo 'sv_password \"zoey\"' >server.cfg\n"},
		})
	crash := bus.Crash{V: bus.Version, Server: "alpha", At: time.Now(), Exit: "segmentation fault", Lines: secretLines}
	if err := s.bus.Record(t.Context(), left4me.LocalHost, bus.KindCrash, "1", crash); err != nil {
		t.Fatal(err)
	}
	var j apitype.Job
	s.call(t, "POST", "/api/v1/servers/alpha/start", nil).into(t, &j)
	eventually(t, "the job ends", func() bool {
		s.call(t, "GET", "/api/v1/jobs/"+string(j.ID), nil).into(t, &j)
		return j.State == left4me.JobFailed
	})
	eventually(t, "the crash is there", func() bool {
		return bytes.Contains(s.call(t, "GET", "/api/v1/servers/alpha/crashes", nil).body, []byte("segmentation"))
	})

	guest := withToken(s.guest)
	for _, path := range []string{
		"/servers", "/servers/alpha", "/servers/alpha/console/tail", "/servers/alpha/crashes", "/blueprints", "/blueprints/versus",
		"/overlays", "/overlays/made", "/overlays/made/scripts", "/jobs", "/jobs/" + string(j.ID),
	} {
		a := s.send(t, "GET", "/api/v1"+path, guest, nil)
		if a.status != http.StatusOK || bytes.Contains(a.body, []byte("zoey")) || !bytes.Contains(a.body, []byte("(hidden)")) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		if a := s.call(t, "GET", "/api/v1"+path, nil); path != "/servers" && !bytes.Contains(a.body, []byte("zoey")) {
			t.Errorf("%s: hidden from an administrator: %s", path, a.body)
		}
	}
	for _, path := range []string{"/servers/alpha/console", "/jobs/" + string(j.ID) + "/events"} {
		next, all := s.stream(t, "/api/v1"+path, guest), ""
		for strings.Count(all, "zoey")+strings.Count(all, "hidden") < len(secretLines) {
			e, ok := next()
			if all += e.data; !ok {
				break
			}
		}
		if strings.Contains(all, "zoey") {
			t.Errorf("%s: %s", path, all)
		}
	}
}
