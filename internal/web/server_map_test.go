package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

func TestMapPageChangesMap(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.host.overlays.mu.Lock()
	s.host.overlays.campaigns = append(left4me.OfficialCampaigns()[:2], left4me.Campaign{
		ID: "salt", Title: "Salt <Flats>", Overlay: "friday", File: "left4dead2/addons/3.vpk", Image: "addonimage.jpg",
		Modes: map[string][]left4me.Chapter{
			"coop":   {{Number: 1, Map: "salt1", Title: "One"}, {Number: 2, Map: "salt2", Title: "Two"}},
			"versus": {{Number: 1, Map: "salt2", Title: "Two"}},
		},
	})
	s.host.overlays.mu.Unlock()
	b := s.as(t, "admin")
	b.get("/servers/alpha/map").has(t, http.StatusOK, "Server not running", "Salt &lt;Flats&gt;", `value="salt2" data-modes="coop versus"`, "Dead Center",
		`src="/overlays/friday/picture?path=left4dead2%2Faddons%2F3.vpk%2Faddonimage.jpg"`)
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running, Map: "salt1", Players: 2})
	b.get("/servers/alpha").has(t, http.StatusOK, `href="/servers/alpha/map"`)
	b.get("/servers/alpha/map?q=salt").has(t, http.StatusOK, "Now playing", "The 2 connected players will be moved")
	b.post("/servers/alpha/map", "map", "salt1", "mode", "versus").has(t, http.StatusUnprocessableEntity,
		"Map salt1 does not have the mode versus", "choose one of its modes: coop")
	b.post("/servers/alpha/map", "map", "salt2", "mode", "versus").has(t, http.StatusSeeOther)
	d := s.host.next(t)
	if d.Kind != left4me.ChangeMap || string(d.Spec) != `{"server":"alpha","from":"salt1","to":"salt2","mode":"versus"}` {
		t.Errorf("the host received the job %s %s", d.Kind, d.Spec)
	}
	b.get("/servers/alpha").has(t, http.StatusOK, "Changing to salt2…", "Change the map of alpha from salt1 to salt2, mode versus")
	b.get("/servers").has(t, http.StatusOK, "Changing to salt2…")
	s.host.report(t, d, left4me.JobFailed, left4me.NewError(left4me.Unavailable, "map.not_loaded", "map", "salt2", "seconds", 120,
		"now", "salt1"))
	await(t, "the failure", func() bool { return strings.Contains(b.get("/servers/alpha").body, "was not loaded within 120 s") })
	b.get("/servers/alpha").hasNot(t, "Changing to")
	b.get("/servers/alpha/history").has(t, http.StatusOK, "salt1 → salt2, versus", "Failed", ">admin")
	b.post("/servers/alpha/map", "map", "salt9").has(t, http.StatusUnprocessableEntity, "no map salt9", "Salt &lt;Flats&gt;")
	s.as(t, "guest").post("/servers/alpha/map", "map", "salt2").has(t, http.StatusForbidden)
}

// A server's page names the campaign and the chapter of its map, from the mission files of the overlays
// that it runs with, and says its mode, overlays and uptime.
func TestServerPageNamesCampaignOfOverlay(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.host.overlays.mu.Lock()
	s.host.overlays.campaigns = append(left4me.OfficialCampaigns(), left4me.Campaign{
		ID: "harbour", Title: "Newcomer <Harbour>", Overlay: "harbour",
		Modes: map[string][]left4me.Chapter{
			"coop": {
				{Number: 1, Map: "dock", Title: "1: The Dock"}, {Number: 2, Map: "pier", Title: "2: The Pier"}, {Number: 3, Map: "end"},
			},
		},
	})
	s.host.overlays.mu.Unlock()
	guest := s.as(t, "guest")
	s.tell(t, left4me.Status{
		Name: "alpha", State: left4me.Running, PID: 7, Map: "pier", Mode: "versus", Build: 1,
		Overlays: []left4me.OverlayRef{{Name: "harbour", Revision: 3}}, StartedAt: time.Now().Add(-time.Hour),
	})
	await(t, "the campaign", func() bool { return strings.Contains(guest.get("/servers/alpha").body, "Newcomer &lt;Harbour&gt;") })
	p := guest.get("/servers/alpha")
	p.has(t, http.StatusOK, `<span class="part">2/3</span>`, "<bdi>The Pier</bdi>", "Versus", ">harbour@3<", "Uptime", "data-since")
	p.hasNot(t, `href="/servers/alpha/map"`)
	guest.get("/servers").has(t, http.StatusOK, `<span class="part">2/3</span>`)
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running, PID: 7, Map: "c2m3_coaster"})
	guest.get("/servers/alpha").has(t, http.StatusOK, "Dark Carnival", `<span class="part">3/5</span>`, "The Coaster", "Co-op")
}
