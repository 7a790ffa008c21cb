package web_test

import (
	"net/http"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// The pages with a start button show a failed start until the server runs or a later job succeeds.
func TestFailedStartIsShownOnServerPages(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	fail := func(why *left4me.Error) {
		t.Helper()
		b.post("/servers/alpha/start").has(t, http.StatusSeeOther)
		s.host.report(t, s.host.next(t), left4me.JobFailed, why)
	}
	pages := []string{
		"/servers", "/servers/alpha", "/servers/alpha/console", "/servers/alpha/settings", "/servers/alpha/history",
		"/servers/alpha/map",
	}
	for _, c := range []struct {
		why    left4me.Error
		remedy string
	}{
		{
			left4me.Error{Kind: left4me.Conflict, Field: "port", Text: "port 27015 is used by <python3>", Hint: "choose another port"},
			"/servers/alpha/settings#port",
		},
		{left4me.Error{Kind: left4me.Invalid, Field: left4me.FieldMap, Text: "there is no map <python3>"}, "/servers/alpha/settings#map"},
		{
			left4me.Error{Kind: left4me.NotFound, Field: "overlays", Text: "there is no overlay <python3>"},
			"/servers/alpha/settings#overlays",
		},
		{left4me.Error{Kind: left4me.Unavailable, Text: "the game <python3> ended"}, "/jobs/"},
	} {
		fail(&c.why)
		for _, path := range pages {
			b.get(path).has(t, http.StatusOK, "Start failed: ", "&lt;python3&gt;", `href="`+c.remedy)
		}
	}
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running})
	for _, path := range pages {
		b.get(path).hasNot(t, "Start server failed")
	}
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Stopped})
	b.post("/servers/alpha/stop")
	s.host.report(t, s.host.next(t), left4me.JobDone, nil)
	b.get("/servers").hasNot(t, "Start server failed")
}
