package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestDoctorShowsChecksAndRemedies(t *testing.T) {
	s := newSite(t, false)
	s.host.setChecks([]left4me.Check{
		{Name: "kernel", State: left4me.CheckOK, Text: "Linux 6.18"},
		{
			Name:  "clock",
			State: left4me.CheckBroken,
			Text:  "it is <b>1970</b>",
			Mend:  "run `sudo timedatectl set-ntp true` and `date`, then wait",
		},
		{Name: "firewall", State: left4me.CheckSkipped, Text: "only root may read the rules"},
	})
	p := s.as(t, "admin").get("/doctor")
	p.has(t, http.StatusOK, "Problems found", "it is &lt;b&gt;1970", `<code id="remedy-1-1">sudo timedatectl set-ntp true</code>`,
		`data-copy="#remedy-1-1"`, `<code id="remedy-1-3">date</code>`, "Skipped", `href="/doctor" aria-current="page"`)
	s.host.setChecks([]left4me.Check{{Name: "kernel", State: left4me.CheckOK, Text: "Linux"}})
	s.as(t, "admin").get("/doctor").has(t, http.StatusOK, "No problems found")
	// Only administrators may see the checks.
	guest := s.as(t, "guest")
	guest.get("/doctor").has(t, http.StatusForbidden)
	guest.get("/servers").hasNot(t, `href="/doctor"`)
}

func TestConnectivityCheckShowsFirstProblem(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "guest")
	b.get("/servers/alpha").has(t, http.StatusOK, `href="/servers/alpha/reach"`)
	for _, tt := range []struct {
		state left4me.CheckState
		want  string
	}{
		{left4me.CheckOK, "No problems found"},
		{left4me.CheckWarn, "Players can join"},
		{left4me.CheckBroken, "Players can&#39;t join"},
	} {
		s.host.setChecks([]left4me.Check{
			{Name: "process", State: left4me.CheckOK, Text: "it runs"},
			{Name: "sv_lan", State: tt.state, Text: "about\x1b[2J this", Mend: "`sv_lan 0`"},
		})
		p := b.get("/servers/alpha/reach")
		p.has(t, http.StatusOK, tt.want, "it runs", "about")
		if strings.Contains(p.body, "\x1b") {
			t.Error("the page contains a control character")
		}
	}
	b.get("/servers/none/reach").has(t, http.StatusNotFound)
}
