package overlays_test

import (
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/locale"
)

// The API and the command line take the texts of recipes and encodings from the recipes and from package
// charset, the panel from the catalogue: they must be the same in English.
func TestRecipesAndEncodingsHaveTheirTextsInTheCatalogue(t *testing.T) {
	want := map[string]string{}
	key := func(parts ...string) string {
		return strings.ToLower(strings.ReplaceAll(strings.Join(parts, "."), "-", "_"))
	}
	for _, r := range overlays.Recipes() {
		want[key("recipe", r.ID, "title")], want[key("recipe", r.ID, "text")] = r.Title, r.Text
		for _, p := range r.Parameters {
			want[key("recipe", r.ID, p.Name)], want[key("recipe", r.ID, p.Name, "hint")] = p.Title, p.Hint
		}
	}
	for _, e := range overlays.NameEncodings() {
		want[key("encoding", e.Name)] = e.Label
	}
	for k, text := range want {
		if got := locale.English.Text(k); got != text {
			t.Errorf("%s: the catalogue has %q, want %q", k, got, text)
		}
	}
	for _, prefix := range []string{"recipe.", "encoding."} {
		for k := range locale.English.All(prefix) {
			if _, ok := want[k]; !ok {
				t.Errorf("nothing uses the text %s", k)
			}
		}
	}
}
