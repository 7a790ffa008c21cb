package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

func TestCampaignsAndMapChange(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	s.host.set(func() {
		s.host.maps = []left4me.Campaign{{
			ID:      "P",
			Title:   "Picnic",
			Overlay: "maps",
			Modes:   map[string][]left4me.Chapter{"coop": {{Number: 1, Map: "pn_m1", Title: "Road"}}},
		}}
	})
	var all []left4me.Campaign
	s.call(t, "GET", "/api/v1/servers/alpha/campaigns", nil).into(t, &all)
	if len(all) != 1 || all[0].Modes["coop"][0].Map != "pn_m1" {
		t.Errorf("got %+v", all)
	}
	// An unknown first map is only a warning, because its overlay may be built later.
	var saved struct {
		Settings left4me.Settings
		Warnings []left4me.Warning
	}
	for _, c := range []struct{ method, path, first string }{
		{"POST", "/api/v1/servers", "PN_M9"},
		{"PUT", "/api/v1/servers/beta", "Pn_m9"},
		{"PUT", "/api/v1/servers/beta", "PN_m1"},
		{"POST", "/api/v1/blueprints", "PN_M9"},
		{"PUT", "/api/v1/blueprints/beta", "Pn_m9"},
		{"PUT", "/api/v1/blueprints/beta", "PN_m1"},
	} {
		body := map[string]any{"settings": map[string]string{"map": c.first}}
		if c.method == "POST" {
			body["name"] = "beta"
		}
		s.call(t, c.method, c.path, body).into(t, &saved)
		want := strings.ToLower(c.first)
		if saved.Settings.Map != want || len(saved.Warnings) > 0 != (want == "pn_m9") ||
			len(saved.Warnings) > 0 && saved.Warnings[0].Kind != left4me.WarnFirstMap {
			t.Errorf("%s %s: %+v", c.method, c.path, saved)
		}
	}
	var clashes []left4me.Warning
	s.call(t, "GET", "/api/v1/servers/alpha/clashes", nil).into(t, &clashes)
	if len(clashes) != 1 || clashes[0].Kind != left4me.WarnSameFile || clashes[0].Path != "left4dead2/addons/a.vpk" {
		t.Errorf("got %+v", clashes)
	}
	s.call(t, "GET", "/api/v1/servers/none/clashes", nil).problem(t, http.StatusNotFound)
	s.call(t, "POST", "/api/v1/servers/alpha/map", map[string]string{"map": "pn_m1"}).problem(t, http.StatusConflict)
	s.host.says(t, left4me.Status{Name: "alpha", State: left4me.Running, Map: "c1m1_hotel"})
	eventually(t, "the server runs", func() bool {
		var v apitype.GameServer
		s.call(t, "GET", "/api/v1/servers/alpha", nil).into(t, &v)
		return v.State == left4me.Running
	})
	var done apitype.MapChangeBegun
	s.call(t, "POST", "/api/v1/servers/alpha/map", map[string]string{"map": "PN_m1", "mode": "realism"}).into(t, &done)
	var begun apitype.Job
	s.call(t, "GET", "/api/v1/jobs/"+string(done.Job.ID), nil).into(t, &begun)
	if done.Mode != "realism" || begun.Map == nil || *begun.Map != (apitype.JobMap{From: "c1m1_hotel", To: "pn_m1", Mode: "realism"}) {
		t.Errorf("got %+v", done)
	}
	for _, body := range []map[string]string{
		{"map": "pn_m2"},
		{"map": "pn_m1;quit"},
		{"map": "../pn_m1"},
		{"map": ""},
		{"map": "pn_m1\nquit"},
		{"map": "+quit"},
	} {
		s.call(t, "POST", "/api/v1/servers/alpha/map", body).problem(t, http.StatusUnprocessableEntity, "body.map")
	}
	s.call(t, "POST", "/api/v1/servers/alpha/map", map[string]string{"map": "pn_m1", "mode": "versus"}).problem(t,
		http.StatusUnprocessableEntity, "body.mode")
	s.call(t, "POST", "/api/v1/servers/alpha/map", map[string]string{"map": "pn_m1", "mode": "coop; quit"}).problem(t,
		http.StatusUnprocessableEntity, "body.mode")
	s.call(t, "POST", "/api/v1/servers/none/map", map[string]string{"map": "pn_m1"}).problem(t, http.StatusNotFound)
}

// The content of an add-on is untrusted and is sent to browsers.
func TestPictureServesImagesOnly(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	const file, jpeg = "left4dead2/addons/x.vpk", "\xff\xd8\xff\xe0 and more"
	s.host.set(func() {
		s.host.inside = map[string]string{
			file + " a.jpg": jpeg, file + " a.PNG": "\x89PNG\r\n\x1a\n and more", file + " page.jpg": "<html><script>",
			file + " a.vtf":              jpeg,
			"left4dead2/cfg/x.cfg a.jpg": jpeg,
		}
	})
	get := func(path, file, image string) answer {
		return s.send(t, "GET", path+"?"+url.Values{"file": {file}, "image": {image}}.Encode(),
			withToken(s.guest), nil)
	}
	for _, path := range []string{"/api/v1/servers/alpha/picture", "/api/v1/overlays/maps/picture"} {
		a := get(path, file, "a.jpg")
		if a.status != http.StatusOK || string(a.body) != jpeg || a.header.Get("Content-Type") != "image/jpeg" ||
			a.header.Get("X-Content-Type-Options") != "nosniff" ||
			a.header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" {
			t.Errorf("%s: %d %v %q", path, a.status, a.header, a.body)
		}
		if a := get(path, file, "a.PNG"); a.header.Get("Content-Type") != "image/png" {
			t.Errorf("%s: %v", path, a.header)
		}
		for _, r := range [][2]string{{file, "page.jpg"}, {file, "a.vtf"}, {file, "none.jpg"}, {"left4dead2/cfg/x.cfg", "a.jpg"}} {
			get(path, r[0], r[1]).problem(t, http.StatusNotFound)
		}
	}
	get("/api/v1/servers/none/picture", file, "a.jpg").problem(t, http.StatusNotFound)
}
