package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/api"
	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

// Servers must refer to a renamed blueprint by its new name.
func TestRenamedBlueprintKeepsServers(t *testing.T) {
	s := newSite(t)
	s.call(t, "POST", "/api/v1/blueprints", `{"name":"coop","settings":{"mode":"coop"}}`)
	s.call(t, "POST", "/api/v1/servers", `{"name":"alpha","blueprint":"coop"}`)
	var before, after apitype.Blueprint
	s.call(t, "GET", "/api/v1/blueprints/coop", nil).into(t, &before)
	const path = "/api/v1/blueprints/coop/rename"
	s.call(t, "POST", path, `{"name":"default"}`).problem(t, http.StatusConflict, "body.name")
	s.call(t, "POST", path, `{"name":"No good"}`).problem(t, http.StatusUnprocessableEntity, "body.name")
	s.call(t, "POST", path, `{"name":"campaign","version":7}`).problem(t, http.StatusConflict, "body.version")
	s.send(t, "POST", path, bearer(s.guest), strings.NewReader(`{"name":"campaign"}`)).problem(t, http.StatusForbidden)
	s.call(t, "POST", "/api/v1/blueprints/default/rename", `{"name":"campaign"}`).problem(t, http.StatusConflict)
	a := s.call(t, "POST", path, `{"name":"campaign","version":1}`)
	if a.into(t, &after); a.status != http.StatusOK || after.Name != "campaign" || after.ID != before.ID || after.Version != 2 ||
		!slices.Equal(after.Servers, []left4me.Name{"alpha"}) || after.Settings.Mode != "coop" {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	s.call(t, "GET", "/api/v1/blueprints/coop", nil).problem(t, http.StatusNotFound)
	s.call(t, "POST", path, `{"name":"gamma"}`).problem(t, http.StatusNotFound)
	var server apitype.GameServer
	if s.call(t, "GET", "/api/v1/servers/alpha", nil).into(t, &server); server.Blueprint != "campaign" {
		t.Errorf("got %+v", server)
	}
}

// Stacks must refer to a renamed overlay by its new name, while its host keeps the old one.
func TestRenamedOverlayKeepsStacks(t *testing.T) {
	s := newSite(t)
	s.call(t, "POST", "/api/v1/overlays", `{"name":"levels","kind":"files"}`)
	s.call(t, "POST", "/api/v1/overlays", `{"name":"taken","kind":"files"}`)
	s.call(t, "POST", "/api/v1/blueprints", `{"name":"coop","overlays":["levels"]}`)
	var before, after apitype.Overlay
	s.call(t, "GET", "/api/v1/overlays/levels", nil).into(t, &before)
	const path = "/api/v1/overlays/levels/rename"
	s.call(t, "POST", path, `{"name":"taken"}`).problem(t, http.StatusConflict, "body.name")
	s.call(t, "POST", path, `{"name":"No good"}`).problem(t, http.StatusUnprocessableEntity, "body.name")
	s.call(t, "POST", path, `{"name":"campaigns","version":7}`).problem(t, http.StatusConflict, "body.version")
	s.send(t, "POST", path, bearer(s.guest), strings.NewReader(`{"name":"campaigns"}`)).problem(t, http.StatusForbidden)
	a := s.call(t, "POST", path, `{"name":"campaigns","version":1}`)
	if a.into(t, &after); a.status != http.StatusOK || after.Name != "campaigns" || after.ID != before.ID || after.NameOnHost != "levels" ||
		after.Version != 2 || !slices.Equal(after.Blueprints, []left4me.Name{"coop"}) {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	s.call(t, "GET", "/api/v1/overlays/levels", nil).problem(t, http.StatusNotFound)
	s.call(t, "POST", "/api/v1/overlays", `{"name":"levels","kind":"files"}`).problem(t, http.StatusConflict, "body.name")
	var b apitype.Blueprint
	if s.call(t, "GET", "/api/v1/blueprints/coop", nil).into(t, &b); !slices.Equal(b.Overlays, []string{"campaigns"}) {
		t.Errorf("got %+v", b)
	}
	if a := s.call(t, "POST", "/api/v1/overlays/campaigns/rename", `{"name":"levels"}`); strings.Contains(string(a.body), "name_on_host") {
		t.Errorf("renamed back to the host's name: %s", a.body)
	}
}

// A renamed server has its new name immediately, reports its name on the host, and is no longer
// found by its old name.
func TestRenamedServerIsFoundByNewName(t *testing.T) {
	s := newSite(t)
	old := s.create(t, "alpha")
	s.create(t, "taken")
	const path = "/api/v1/servers/alpha/rename"
	s.call(t, "POST", path, `{"name":"taken"}`).problem(t, http.StatusConflict, "body.name")
	s.call(t, "POST", path, `{"name":"No good"}`).problem(t, http.StatusUnprocessableEntity, "body.name")
	s.call(t, "POST", path, `{"name":""}`).problem(t, http.StatusUnprocessableEntity, "body.name")
	s.call(t, "POST", path, `{"name":"beta","version":7}`).problem(t, http.StatusConflict, "body.version")
	s.send(t, "POST", path, bearer(s.guest), strings.NewReader(`{"name":"beta"}`)).problem(t, http.StatusForbidden)
	var v apitype.GameServer
	a := s.call(t, "POST", path, `{"name":"beta","version":1}`)
	if a.into(t, &v); a.status != http.StatusOK || v.Name != "beta" || v.ID != old.ID || v.NameOnHost != "alpha" || v.Version != 2 {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	s.call(t, "GET", "/api/v1/servers/alpha", nil).problem(t, http.StatusNotFound)
	s.call(t, "POST", path, `{"name":"gamma"}`).problem(t, http.StatusNotFound)
	s.call(t, "POST", "/api/v1/servers", `{"name":"alpha"}`).problem(t, http.StatusConflict, "body.name")
	if s.call(t, "GET", "/api/v1/servers/beta", nil).into(t, &v); v.NameOnHost != "alpha" {
		t.Errorf("got %+v", v)
	}
	if a := s.call(t, "POST", "/api/v1/servers/beta/rename", `{"name":"alpha"}`); strings.Contains(string(a.body), "name_on_host") {
		t.Errorf("renamed back to the host's name: %s", a.body)
	}
}

// A change based on an outdated version must not overwrite a newer one: the answer is 409 and
// contains the current version.
func TestOutdatedServerChangeIsRefused(t *testing.T) {
	s := newSite(t)
	v := s.create(t, "alpha")
	if v.Version != 1 || v.Overlays == nil || v.Autostart != left4me.AutostartLast || v.Wanted != left4me.WantStopped ||
		!v.WantedAt.IsZero() {
		t.Errorf("got %+v", v)
	}
	const path = "/api/v1/servers/alpha"
	change := `{"version":1,"port":27020,"overlays":["plugins","maps"],"settings":{"hostname":"Alpha","lobby_only":false,"password":"zoey","tags":["a"],"cfg":["sv_password bill"],"admins":[{"id":"[U:1:5]","flags":"99:z"}]}}`
	a := s.call(t, "PUT", path, change)
	if a.into(t, &v); a.status != http.StatusOK || v.Version != 2 || v.Port != 27020 || v.Settings.Password != "zoey" ||
		strings.Join(v.Overlays, " ") != "plugins maps" || v.Settings.LobbyOnly == nil {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	s.call(t, "PUT", path, change).problem(t, http.StatusConflict, "body.version")
	for body, location := range map[string]string{
		`{"overlays":["nothing"]}`:                                   "body.overlays[0]",
		`{"overlays":["maps@9"]}`:                                    "body.overlays[0]",
		`{"overlays":["maps@x"]}`:                                    "body.overlays[0]",
		`{"blueprint":"nothing"}`:                                    "body.blueprint",
		`{"port":80}`:                                                "body.port",
		`{"settings":{"hostname":"a\"; quit"}}`:                      "body.settings.hostname",
		`{"settings":{"cfg":["a","rcon_password x"]}}`:               "body.settings.cfg[1]",
		`{"settings":{"admins":[{"id":"STEAM_1:0:1;","flags":""}]}}`: "body.settings.admins[0]",
		`{"settings":{"tick":500}}`:                                  "body.settings.tick",
		`{"autostart":"sometimes"}`:                                  "body.autostart",
	} {
		p := s.call(t, "PUT", path, body).problem(t, http.StatusUnprocessableEntity)
		if len(p.Errors) == 0 || p.Errors[0].Location != location {
			t.Errorf("%s: %+v", body, p)
		}
	}
	s.call(t, "PUT", "/api/v1/servers/nobody", `{}`).problem(t, http.StatusNotFound)
	s.create(t, "beta")
	for _, body := range []string{`{"autostart":"never"}`, `{}`} { // absent: unchanged
		if s.call(t, "PUT", "/api/v1/servers/beta", body).into(t, &v); v.Autostart != left4me.AutostartNever {
			t.Errorf("%s: %s", body, v.Autostart)
		}
	}
	s.call(t, "PUT", "/api/v1/servers/beta", `{"port":27020}`).problem(t, http.StatusConflict, "body.port")

	// Passwords are shown only to users who may change them.
	guest := withToken(s.guest)
	for _, path := range []string{path, "/api/v1/servers"} {
		if body := string(s.send(t, "GET", path, guest, nil).body); strings.Contains(body, "zoey") || strings.Contains(body, "bill") ||
			!strings.Contains(body, "Alpha") {
			t.Errorf("%s: %s", path, body)
		}
	}
	if a := s.send(t, "PUT", path, guest, strings.NewReader(`{}`)); a.status != http.StatusForbidden {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
}

func TestChangeAndDeleteBlueprint(t *testing.T) {
	s := newSite(t)
	const path = "/api/v1/blueprints/versus"
	s.call(t, "POST", "/api/v1/blueprints", `{"name":"versus"}`)
	s.call(t, "POST", "/api/v1/servers", `{"name":"alpha","blueprint":"versus","overlays":["maps"]}`)
	var v apitype.Blueprint
	a := s.call(t, "PUT", path, `{"version":1,"overlays":["maps"],"settings":{"mode":"versus","password":"zoey"}}`)
	if a.into(t, &v); a.status != http.StatusOK || v.Version != 2 || v.Settings.Mode != "versus" || len(v.Servers) != 1 ||
		v.Servers[0] != "alpha" {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	s.call(t, "PUT", path, `{"version":1}`).problem(t, http.StatusConflict, "body.version")
	s.call(t, "PUT", path, `{"settings":{"mode":"a b"}}`).problem(t, http.StatusUnprocessableEntity, "body.settings.mode")
	if body := string(s.send(t, "GET", path, withToken(s.guest), nil).body); strings.Contains(body,
		"zoey") || !strings.Contains(body, "versus") {
		t.Error(body)
	}
	if p := s.call(t, "DELETE", path, nil).problem(t, http.StatusConflict); !strings.Contains(p.Detail, "alpha") {
		t.Errorf("got %+v", p)
	}
	s.call(t, "DELETE", "/api/v1/blueprints/default", nil).problem(t, http.StatusConflict)
	s.call(t, "PUT", "/api/v1/servers/alpha", `{}`)
	if a := s.call(t, "DELETE", path, nil); a.status != http.StatusOK {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	s.call(t, "GET", path, nil).problem(t, http.StatusNotFound)
}

func TestDescriptionDocumentsSettings(t *testing.T) {
	b, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Description string }
			}
		}
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	if text := d.Components.Schemas["Settings"].Properties["region"].Description; !strings.Contains(text, "europe") ||
		!strings.Contains(text, "sv_region") {
		t.Errorf("got %q", text)
	}
}

// A copy has no passwords unless they are requested, and several servers are created as previewed.
func TestDuplicateAndSeveralServers(t *testing.T) {
	s := newSite(t)
	s.call(t, "POST", "/api/v1/servers", `{"name":"alpha","settings":{"password":"s3cret","hostname":"Harbour"}}`)
	var v apitype.GameServer
	const path = "/api/v1/servers/alpha/duplicate"
	a := s.call(t, "POST", path, `{}`)
	if a.into(t, &v); a.status != http.StatusCreated || v.Name != "alpha-2" || v.Settings.Password != "" ||
		v.Settings.Hostname != "Harbour" {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	if s.call(t, "POST", path, `{"name":"beta","passwords":true}`).into(t, &v); v.Name != "beta" || v.Settings.Password != "s3cret" {
		t.Errorf("got %+v", v)
	}
	s.call(t, "POST", path, `{"name":"beta"}`).problem(t, http.StatusConflict, "body.name")
	s.send(t, "POST", path, bearer(s.guest), strings.NewReader(`{}`)).problem(t, http.StatusForbidden)

	const several = "/api/v1/blueprints/default/servers"
	var preview, created apitype.SeveralCreated
	s.call(t, "POST", several, `{"count":3,"names":"alpha-#","preview":true}`).into(t, &preview)
	a = s.call(t, "POST", several, `{"count":3,"names":"alpha-#"}`)
	if a.into(t, &created); a.status != http.StatusCreated || preview.Created || !created.Created ||
		!slices.Equal(preview.Servers, created.Servers) || len(created.Servers) != 3 || created.Servers[1].Name != "alpha-3" {
		t.Errorf("got %+v, then status %d: %s", preview, a.status, a.body)
	}
	s.call(t, "POST", several, `{"count":51,"names":"x-#"}`).problem(t, http.StatusUnprocessableEntity, "body.count")
	s.send(t, "POST", several, bearer(s.guest), strings.NewReader(`{"count":1,"names":"x"}`)).problem(t, http.StatusForbidden)
	s.call(t, "POST", "/api/v1/blueprints/none/servers", `{"count":1,"names":"x"}`).problem(t, http.StatusNotFound)
}
