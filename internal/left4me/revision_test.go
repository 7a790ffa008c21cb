package left4me_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
)

func TestWarningCrossesJSONAndIsRenderedByCode(t *testing.T) {
	problem := left4me.NewError(left4me.Invalid, "text.command_too_long", "limit", 510)
	made := left4me.NewWarning(left4me.WarnText, "left4dead2/cfg/a.cfg", "text.finding", "count", 2, "lines", "3, 5", "problem", problem)
	b, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	var got left4me.Warning
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(made, got); d != "" {
		t.Errorf("%s\n%s", b, d)
	}
	text, hint := got.RenderIn(locale.English)
	if text != "lines 3, 5: a command of more than 510 bytes, which the game skips together with the commands after it" ||
		hint != "shorten the command" || text != got.Text || hint != got.Hint {
		t.Errorf("got %q, %q from %s", text, hint, b)
	}
	got.Text, got.Hint = "a", "b"
	if text, hint := got.RenderIn(locale.Pseudo); !strings.HasPrefix(text, "⟦ļîñéš 3, 5") || !strings.Contains(hint, "⟦šĥ") {
		t.Errorf("in another language: %q, %q", text, hint)
	}
}

// Revisions of older builds are stored without codes, and a host may run a newer build.
func TestWarningWithUnknownCodeKeepsItsTexts(t *testing.T) {
	for name, b := range map[string]string{
		"no code":          `{"kind":"broken","text":"a","hint":"b"}`,
		"new code":         `{"kind":"broken","code":"addon.of_tomorrow","args":{"x":{"later":1}},"text":"a","hint":"b"}`,
		"missing argument": `{"kind":"broken","code":"addon.in_folder","text":"a","hint":"b"}`,
	} {
		var w left4me.Warning
		if err := json.Unmarshal([]byte(b), &w); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if text, hint := w.RenderIn(locale.English); text != "a" || hint != "b" {
			t.Errorf("%s: got %q, %q", name, text, hint)
		}
	}
}

// Names in warnings come from files that nobody has checked.
func TestArgumentsOfWarningAreBounded(t *testing.T) {
	w := left4me.NewWarning(left4me.WarnHollow, "a.vpk", "addon.in_folder", "folder", strings.Repeat("x", 100<<10))
	b, err := json.Marshal(w.Args)
	if err != nil || len(b) > 8<<10 || len(w.Text) > 8<<10 {
		t.Errorf("got %d bytes of arguments and %d of text, %v", len(b), len(w.Text), err)
	}
	if s := w.Shortened(100, 100); s.Code != "" || s.Args != nil || len(s.Text) > 100 || s.Path != w.Path || s.Kind != w.Kind {
		t.Errorf("got %+v", s)
	}
}

func TestFirstFilesEntersSingleDirectories(t *testing.T) {
	t.Parallel()
	tree := map[string][]left4me.TreeFile{
		"":                           {{Path: "left4dead2", Dir: true}},
		"left4dead2":                 {{Path: "left4dead2/addons", Dir: true}},
		"left4dead2/addons":          {{Path: "left4dead2/addons/workshop", Dir: true}, {Path: "left4dead2/addons/a.vpk"}},
		"left4dead2/addons/workshop": {{Path: "left4dead2/addons/workshop/b.vpk"}},
	}
	list := func(f left4me.Filter) (p left4me.Page[left4me.TreeFile], err error) {
		p.Items = tree[f.Dir]
		return p, nil
	}
	for _, test := range []struct {
		f    left4me.Filter
		want string
		n    int
	}{
		{left4me.Filter{}, "left4dead2/addons", 2},
		{left4me.Filter{Query: "vpk"}, "", 1},
		{left4me.Filter{After: "x"}, "", 1},
		{left4me.Filter{Dir: "left4dead2/addons/workshop"}, "left4dead2/addons/workshop", 1},
	} {
		dir, p, err := left4me.FirstFiles(test.f, list)
		if dir != test.want || len(p.Items) != test.n || err != nil {
			t.Errorf("%+v: got %d files in %q, %v, want %d in %q", test.f, len(p.Items), dir, err, test.n, test.want)
		}
	}
	// A directory that contains itself without end.
	dir, _, err := left4me.FirstFiles(left4me.Filter{}, func(f left4me.Filter) (p left4me.Page[left4me.TreeFile], err error) {
		p.Items = []left4me.TreeFile{{Path: strings.TrimPrefix(f.Dir+"/a", "/"), Dir: true}}
		return p, nil
	})
	if n := strings.Count(dir, "a"); n != 16 || err != nil {
		t.Errorf("got %d directories, %v", n, err)
	}
}
