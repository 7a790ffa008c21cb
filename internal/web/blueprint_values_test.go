package web_test

import (
	"net/http"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// The form of a server shows the values of its blueprint, also after the user chose another blueprint,
// and without scripts.
func TestServerFormShowsValuesOfBlueprint(t *testing.T) {
	s := newSite(t, false)
	must(s.content.Blueprints().Create(t.Context(), left4me.ByUser("tester"),
		left4me.Blueprint{
			Name:     "versus",
			Settings: left4me.Settings{Mode: "versus", Map: "c2m1_highway", MaxPlayers: 16, Region: "europe", Password: "zoey"},
		}))(t)
	must(s.content.Blueprints().Create(t.Context(), left4me.ByUser("tester"), left4me.Blueprint{Name: "plain"}))(t)
	s.addServer(t, "alpha")
	s.withConfig(t)
	b := s.as(t, "admin")
	values := []string{
		`placeholder="From blueprint: versus"`, `placeholder="From blueprint: c2m1_highway"`,
		`placeholder="From blueprint: 16"`, `<option value="">From blueprint: Europe</option>`, `placeholder="From blueprint"`,
	}
	b.get("/blueprints/versus").has(t, http.StatusOK, `href="/servers/new?blueprint=versus"`)
	p := b.get("/servers/new?blueprint=versus")
	p.has(t, http.StatusOK, append(values, `<option value="versus" selected>`)...)
	p.hasNot(t, "zoey", "Default: the game&#39;s: coop", "Default: the game&#39;s: 18")
	b.get("/servers/new").hasNot(t, "From blueprint: ")
	for _, path := range []string{"/servers/new", "/servers/alpha/settings"} {
		p := b.post(path, "name", "typed", "version", "1", "blueprint", "versus", "hostname", "typed text", "stack", "blueprint")
		p.has(t, http.StatusOK, append(values, `<option value="versus" selected>`, `value="typed text"`)...)
		b.post(path, "name", "typed", "version", "1", "blueprint", "plain", "stack", "blueprint").hasNot(t, "From blueprint: ")
	}
	if all := must(s.servers.List(t.Context()))(t); len(all) != 1 || all[0].Blueprint != left4me.DefaultBlueprint {
		t.Errorf("choosing a blueprint saved the form: %+v", all)
	}
}
