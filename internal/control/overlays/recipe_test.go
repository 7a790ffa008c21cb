package overlays

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestRecipesAreComplete(t *testing.T) {
	files, err := os.ReadDir("recipes")
	if err != nil {
		t.Fatal(err)
	}
	all := Recipes()
	if len(files) != len(all) {
		t.Errorf("Recipes returns %d of %d files", len(all), len(files))
	}
	for _, r := range all {
		if !left4me.Name(r.ID).Valid() || r.Title == "" || len(r.Title) > 60 || len(r.Text) < 40 || strings.HasPrefix(r.Text, "#") {
			t.Errorf("%s: %q %q", r.ID, r.Title, r.Text)
		}
		if len(r.Parameters) == 0 {
			t.Errorf("%s has no parameters", r.ID)
		}
		var names []string
		for _, p := range r.Parameters {
			if p.Title == "" || p.Hint == "" || strings.Contains(p.Title, "#") || slices.Contains(names, p.Name) {
				t.Errorf("%s: %+v", r.ID, p)
			}
			names = append(names, p.Name)
		}
		// A URL that isn't a parameter could not be changed by users.
		for _, line := range strings.Split(r.Script, "\n") {
			if regexp.MustCompile(`^[^#]*https?://[a-z]`).MatchString(line) && !assigned().MatchString(line) {
				t.Errorf("%s: %s", r.ID, line)
			}
		}
		v := left4me.Overlay{Name: left4me.Name(r.ID), Kind: left4me.ScriptOverlay, Script: &left4me.Script{Text: r.Script}}
		if _, err := Check(v); err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
	}
}

func TestReadRecipeRefusesMalformedFiles(t *testing.T) {
	for _, s := range []string{"", "#!/bin/bash\necho\n\n\n\n", "#!/bin/bash\n# a\n#\n# b\n\nx\n: \"${A:=1}\"\n"} {
		if _, err := readRecipe("x", s); err == nil {
			t.Errorf("readRecipe accepted %q", s)
		}
	}
}

// Values of parameters must never be executed as commands.
func TestFillQuotesValues(t *testing.T) {
	r, err := FindRecipe("blank")
	if err != nil {
		t.Fatal(err)
	}
	filled, err := r.Fill(map[string]string{"FILE_URL": " it's; $(rm -rf ~) "})
	if err != nil || !strings.Contains(filled.Script, "\nFILE_URL='it'\\''s; $(rm -rf ~)'\n") {
		t.Errorf("got error %v, %s", err, filled.Script)
	}
	if again, err := r.Fill(nil); err != nil || again.Script != r.Script {
		t.Errorf("without values: %v, %s", err, again.Script)
	}
	for _, wrong := range []map[string]string{{"NONE": "1"}, {"FILE_URL": "a\nrm -rf ~"}, {"FILE_URL": "\xff"}} {
		if _, err := r.Fill(wrong); !errors.Is(err, left4me.Invalid) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
