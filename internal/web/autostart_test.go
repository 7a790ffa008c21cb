package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

func TestPanelShowsReasonOfAutostart(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	v := must(s.servers.Get(t.Context(), "alpha"))(t)
	_, added, err := s.jobs.Autostart(t.Context(), left4me.ByLeft4me, "alpha", v.Host, left4me.Spec{Name: "alpha"}, "boot",
		func(left4me.Server, []left4me.JobKind) store.Decision {
			return store.Decision{Reason: left4me.NewNote("autostart.after_boot")}
		})
	if !added || err != nil {
		t.Fatal(added, err)
	}
	page := b.get("/servers/alpha")
	page.has(t, http.StatusOK, "Started after a reboot.")
	_, head, _ := strings.Cut(page.body, `id="server-head"`)
	head, _, _ = strings.Cut(head, "</header>")
	if !strings.Contains(head, "started after a reboot") {
		t.Error("the head of the page lacks the reason of the start")
	}
	for _, path := range []string{"/jobs", "/servers/alpha/history"} {
		b.get(path).has(t, http.StatusOK, "started after a reboot")
	}
}

func TestSettingsFormSetsAutostart(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	b.get("/servers/alpha/settings").has(t, http.StatusOK, `<option value="last" selected>`)
	if p := b.post("/servers/alpha/settings", "version", "1", "blueprint", "default", "port", "27015", "autostart",
		"never"); p.status != http.StatusSeeOther {
		t.Fatalf("got status %d: %s", p.status, p.body)
	}
	b.get("/servers/alpha/settings").has(t, http.StatusOK, `<option value="never" selected>`)
	b.post("/servers/alpha/settings", "version", "2", "blueprint", "default", "port", "27015", "autostart", "sometimes").
		has(t, http.StatusUnprocessableEntity, `id="autostart-problem"`)
}
