package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// withConfig sets the generated files that the host reports as changed by the next restart.
func (s *site) withConfig(t *testing.T, files ...bus.ConfigFile) {
	t.Helper()
	s.host.mu.Lock()
	s.host.config = files
	s.host.mu.Unlock()
	err := s.bus.Answer(t.Context(), bus.Command(left4me.LocalHost, bus.VerbConfigDiff),
		func(context.Context, string, []byte) (any, error) {
			s.host.mu.Lock()
			defer s.host.mu.Unlock()
			return bus.ConfigDiff{V: bus.Version, Files: s.host.config}, nil
		})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSettingsFormChangesSettings(t *testing.T) {
	s := newSite(t, false)
	must(s.content.Blueprints().Create(t.Context(), left4me.ByUser("tester"),
		left4me.Blueprint{
			Name:     "versus",
			Settings: left4me.Settings{Mode: "versus", Region: "europe", Tags: []string{"one"}, Password: "zoey"},
		}))(t)
	s.addServer(t, "alpha")
	s.withConfig(t, bus.ConfigFile{Path: "left4dead2/cfg/server.cfg", Running: "a\nold <b>\n", Next: "a\nnew\n"},
		bus.ConfigFile{Path: "same", Running: "x", Next: "x"})
	b := s.as(t, "admin")
	b.get("/servers/alpha/settings").has(t, http.StatusOK, "<del>- old &lt;b&gt;", "<ins>+ new", `name="version" value="1"`,
		"The next start applies these changes", "unchanged")
	p := b.post("/servers/alpha/settings", "version", "1", "port", "27020", "blueprint", "versus", "hostname", "Alpha", "tick", "60",
		"lobby_only", "on",
		"tags", "two, three", "admins", "[U:1:5] 99:z # Zoey\r\n\r\nSTEAM_1:0:7 @Mods\r\n", "cfg", "sv_gravity 700\r\n", "motd",
		"one\r\ntwo")
	if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != "/servers/alpha/settings" {
		t.Fatalf("got status %d, location %s: %s", p.status, to, p.body)
	}
	v := must(s.servers.Get(t.Context(), "alpha"))(t)
	if st := v.Settings; v.Version != 2 || v.Port != 27020 || v.Blueprint != "versus" || st.Tick != 60 || st.LobbyOnly == nil ||
		!*st.LobbyOnly || strings.Join(st.Tags, " ") != "two three" ||
		len(st.Admins) != 2 || st.Admins[0].Note != "Zoey" || st.Admins[1].Group != "Mods" || st.Motd != "one\ntwo" || st.Mode != "" ||
		len(st.Args) != 0 {
		t.Errorf("got server %+v", v.Server)
	}
	page := b.get("/servers/alpha/settings")
	page.has(t, http.StatusOK, `placeholder="From blueprint: versus"`, "From blueprint: Europe", "The blueprint adds: one.",
		`value="27020"`, "[U:1:5] 99:z # Zoey")
	page.hasNot(t, "zoey")
	s.as(t, "guest").get("/servers/alpha/settings").has(t, http.StatusOK, "fieldset disabled")
	if p := s.as(t, "guest").post("/servers/alpha/settings", "hostname", "x"); p.status != http.StatusForbidden {
		t.Errorf("got status %d", p.status)
	}
}

func TestSettingsFormShowsProblemsAtFields(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	p := b.post("/servers/alpha/settings", "version", "1", "port", "many", "hostname", `a" ; quit`, "tick", "often", "cfg", "fine 1\nquit",
		"admins", "STEAM_1:0:7 z\nnobody z",
		"overlay", "maps@x", "banner", "javascript:x")
	p.has(t, http.StatusUnprocessableEntity, `id="port-problem"`, `id="tick-problem"`, `id="overlays-problem"`, `value="many"`,
		`value="a&#34; ; quit"`, `value="maps@x"`, "fine 1\nquit")
	p = b.post("/servers/alpha/settings", "version", "1", "hostname", `a" ; quit`, "cfg", "fine 1\nquit", "admins",
		"STEAM_1:0:7 z\nnobody z", "banner", "javascript:x")
	p.has(t, http.StatusUnprocessableEntity, `id="hostname-problem"`, `id="cfg-problem"`, "line 2: the command quit is not allowed",
		`id="admins-problem"`, `id="banner-problem"`)
	if v := must(s.servers.Get(t.Context(), "alpha"))(t); v.Version != 1 {
		t.Errorf("a rejected form was saved: %+v", v.Server)
	}
}

// The second user who saves sees the changes of the first, and the form keeps the typed values.
func TestSettingsConflictKeepsTypedValues(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	b.post("/servers/alpha/settings", "version", "1", "hostname", "the first <i>")
	p := b.post("/servers/alpha/settings", "version", "1", "hostname", "the second", "tags", "mine")
	p.has(t, http.StatusConflict, "Someone else saved changes", "the first &lt;i&gt;", `value="the second"`, "mine",
		`name="version" value="2"`, "Save my version")
	if v := must(s.servers.Get(t.Context(), "alpha"))(t); v.Settings.Hostname != "the first <i>" {
		t.Errorf("got settings %+v", v.Settings)
	}
	if p := b.post("/servers/alpha/settings", "version", "2", "hostname", "the second"); p.status != http.StatusSeeOther {
		t.Errorf("got status %d", p.status)
	}
	must(s.content.Blueprints().Create(t.Context(), left4me.ByUser("tester"), left4me.Blueprint{Name: "versus"}))(t)
	b.post("/blueprints/versus", "version", "1", "mode", "versus")
	b.post("/blueprints/versus", "version", "1", "mode", "coop").has(t, http.StatusConflict, "Someone else saved changes", `value="coop"`,
		`name="version" value="2"`)
}

// The buttons of the overlay list work without scripts and do not save the form.
func TestOverlayButtonsChangeOrder(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	order := func(p page, want ...string) {
		t.Helper()
		rest := p.body
		for _, w := range want {
			var ok bool
			if _, rest, ok = strings.Cut(rest, `name="overlay" value="`+w+`"`); !ok {
				t.Fatalf("overlay %s is missing or out of order, want %v", w, want)
			}
		}
		if strings.Contains(rest, `name="overlay" value=`) {
			t.Errorf("the form contains more overlays than %v", want)
		}
	}
	for _, path := range []string{"/servers/alpha/settings", "/servers/new", "/blueprints/new", "/blueprints/default"} {
		two := []string{
			"version", "1", "name", "x", "blueprint", "default", "hostname", "typed", "overlay", "a", "overlay", "b@2", "add",
			"c",
		}
		press := func(button string) page { return b.post(path, append(two, "stack", button)...) }
		order(press("down:0"), "b@2", "a")
		order(press("up:1"), "b@2", "a")
		order(press("remove:0"), "b@2")
		order(press("add"), "c", "a", "b@2")
		for _, nothing := range []string{"up:0", "down:1", "remove:7", "up:-1", "x", "up:x"} {
			order(press(nothing), "a", "b@2")
		}
		press("add").has(t, http.StatusOK, `value="typed"`)
	}
	if v := must(s.servers.Get(t.Context(), "alpha"))(t); v.Version != 1 {
		t.Errorf("a rejected form was saved: %+v", v.Server)
	}
}

func TestBlueprintPagesCreateAndDelete(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	if p := b.post("/blueprints/new", "name", "versus", "mode", "versus", "password",
		"zoey"); p.header.Get("Location") != "/blueprints/versus" {
		t.Fatalf("got status %d: %s", p.status, p.body)
	}
	b.post("/blueprints/new", "name", "versus").has(t, http.StatusConflict, `id="name-problem"`)
	b.post("/servers/new", "name", "alpha", "blueprint", "versus")
	b.get("/blueprints").has(t, http.StatusOK, `href="/blueprints/versus"`, `href="/servers/alpha"`)
	b.get("/blueprints/versus").has(t, http.StatusOK, `value="zoey"`, `href="/servers/alpha"`)
	s.as(t, "guest").get("/blueprints/versus").hasNot(t, "zoey")
	b.get("/blueprints/nothing").has(t, http.StatusNotFound)
	b.get("/blueprints/default").hasNot(t, "/blueprints/default/delete")
	b.post("/blueprints/versus/delete", "confirm", "other").has(t, http.StatusUnprocessableEntity, "does not match")
	b.post("/blueprints/versus/delete", "confirm", "versus").has(t, http.StatusConflict, "is used by alpha")
	b.post("/blueprints/default/delete", "confirm", "default").has(t, http.StatusConflict, "cannot be deleted")
	b.post("/servers/alpha/settings", "version", "1", "blueprint", "default")
	if p := b.post("/blueprints/versus/delete", "confirm", "versus"); p.header.Get("Location") != "/blueprints" {
		t.Errorf("got status %d: %s", p.status, p.body)
	}
}

func TestRenamePageRenamesBlueprint(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	b.post("/blueprints/new", "name", "versus", "mode", "versus")
	b.post("/blueprints/new", "name", "taken")
	b.post("/servers/new", "name", "alpha", "blueprint", "versus")
	b.get("/blueprints/versus").has(t, http.StatusOK, `href="/blueprints/versus/rename"`)
	b.get("/blueprints/versus/rename").has(t, http.StatusOK, `name="name"`, `value="versus"`)
	b.post("/blueprints/versus/rename", "name", "No <i>").has(t, http.StatusUnprocessableEntity, `id="name-problem"`,
		`value="No &lt;i&gt;"`)
	b.post("/blueprints/versus/rename", "name", "taken").has(t, http.StatusConflict, `id="name-problem"`, `value="taken"`)
	if p := b.post("/blueprints/versus/rename", "name", " scrim "); p.header.Get("Location") != "/blueprints/scrim" {
		t.Fatalf("got status %d, location %s: %s", p.status, p.header.Get("Location"), p.body)
	}
	b.get("/blueprints/scrim").has(t, http.StatusOK, `href="/blueprints/scrim/rename"`, `href="/servers/alpha"`)
	b.get("/servers/alpha/settings").has(t, http.StatusOK, `<option value="scrim" selected`)
	for _, old := range []string{"", "/rename"} {
		b.get("/blueprints/versus"+old).has(t, http.StatusNotFound)
	}
	b.post("/blueprints/versus/rename", "name", "other").has(t, http.StatusNotFound)
	b.get("/blueprints/default").hasNot(t, "/blueprints/default/rename")
	b.post("/blueprints/default/rename", "name", "other").has(t, http.StatusConflict, "cannot be renamed")
	s.as(t, "guest").get("/blueprints/scrim").hasNot(t, "/blueprints/scrim/rename")
}

// The choices for the first map include the maps of overlays.
func TestFormsOfferMapsOfOverlays(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, friday)
	s.overlay(t, left4me.Overlay{Name: "other", Kind: left4me.FilesOverlay})
	must(s.content.Blueprints().Create(t.Context(), left4me.ByUser("tester"),
		left4me.Blueprint{Name: "maps-night", Overlays: []left4me.OverlayRef{{Name: "maps", Revision: 1}}}))(t)
	chapter := func(number int, name string) map[string][]left4me.Chapter {
		return map[string][]left4me.Chapter{"coop": {{Number: number, Map: name, Title: "x"}}}
	}
	s.host.overlays.campaigns = append(left4me.OfficialCampaigns(),
		left4me.Campaign{ID: "g", Title: "Glub <b>\u202e", Overlay: "maps", Modes: chapter(2, "glub2")},
		left4me.Campaign{ID: "h", Title: "Elsewhere", Overlay: "other", Modes: chapter(1, "else1")})
	b := s.as(t, "admin")
	order := func(page page, texts ...string) {
		t.Helper()
		page.has(t, http.StatusOK, texts...)
		at := -1
		for _, text := range texts {
			if i := strings.Index(page.body, text); i < at {
				t.Errorf("%s is out of order, want %q", text, texts)
			} else {
				at = i
			}
		}
	}
	glub, hotel, other := `<option value="glub2" data-modes="coop" data-overlay="maps">Glub &lt;b&gt;‹202E›, chapter 2, from overlay maps</option>`, `<option value="c1m1_hotel">`, `<option value="else1" data-modes="coop" data-overlay="other">`
	order(b.get("/servers/new?blueprint=maps-night"), `data-overlays="maps"`, glub, hotel, other)
	if r := last[bus.StackRequest](t, &s.host.overlays); len(r.Spec.Overlays) != 2 ||
		r.Spec.Overlays[0] != (left4me.OverlayRef{Name: "maps", Revision: 1}) || r.Spec.Overlays[1].Name != "other" {
		t.Errorf("got request %+v", r)
	}
	order(b.get("/servers/new"), hotel, glub)
	order(b.get("/blueprints/maps-night"), glub, hotel, other)
	order(b.post("/servers/new", "stack", "add", "add", "other", "blueprint", "default"), other, hotel, glub)
	must(s.servers.Create(t.Context(), left4me.ByUser("tester"), left4me.Server{Name: "alpha", Blueprint: "maps-night"}))(t)
	order(b.get("/servers/alpha/settings"), glub, hotel, other)
	// The form warns of a map that neither the game nor a stacked overlay contains, also right after saving.
	const warning = "The first map else1 is neither in the game nor in the stacked overlays"
	s.host.overlays.mu.Lock()
	s.host.overlays.campaigns = s.host.overlays.campaigns[:len(s.host.overlays.campaigns)-1]
	s.host.overlays.mu.Unlock()
	b.post("/servers/alpha/settings", "version", "1", "blueprint", "maps-night", "map", "Else1")
	b.get("/servers/alpha/settings").has(t, http.StatusOK, warning, "glub2")
	b.post("/blueprints/maps-night", "version", "1", "map", "glub2").hasNot(t, "neither in the game")
	if p := b.post("/servers/new", "name", "beta", "blueprint", "default", "map",
		"else1"); p.header.Get("Location") != "/servers/beta/settings?created=yes" {
		t.Errorf("got status %d, header %s", p.status, p.header)
	}
	if p := b.post("/servers/new", "name", "gamma", "blueprint", "default", "map",
		"c2m1_highway"); p.header.Get("Location") != "/servers/gamma?created=yes" {
		t.Errorf("got status %d, header %s", p.status, p.header)
	}
	// Without a list of maps, the field still accepts text.
	s.host.overlays.mu.Lock()
	s.host.overlays.mute = true
	s.host.overlays.mu.Unlock()
	b.get("/servers/new").has(t, http.StatusOK, hotel)
}

// For a long file, the page shows the changes with a few lines around them, and omits further changes
// after some thousand lines.
func TestRestartChangesFoldLongFiles(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	same, rows := strings.Repeat("same\n", 64_000), strings.Repeat("row\n", 5000)
	s.withConfig(t, bus.ConfigFile{Path: "long", Running: same + "old\n" + same, Next: same + "new\n" + same},
		bus.ConfigFile{Path: "other", Running: rows, Next: strings.ReplaceAll(rows, "r", "l")})
	p := s.as(t, "admin").get("/servers/alpha/settings")
	p.has(t, http.StatusOK, "… 63,997 unchanged lines", "<del>- old", "<ins>+ new", "6,000 more lines are not shown")
	if n := strings.Count(p.body, "same\n"); n != 6 {
		t.Errorf("got %d unchanged lines, want 6", n)
	}
}
