package legacyimport

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

func TestImportConvertsOverlayDefinitions(t *testing.T) {
	for _, c := range []struct {
		name   string
		v      Overlay
		kind   left4me.OverlayKind
		remark string
	}{
		{
			"workshop",
			Overlay{
				Kind:  "workshop",
				Items: []map[string]any{{"id": int64(3), "steam_id": "121086524"}, {"steam_id": "121086524"}, {"id": int64(4711000)}},
			},
			left4me.WorkshopOverlay, "",
		},
		{
			"rows without workshop ids",
			Overlay{Kind: "workshop", Items: []map[string]any{{"id": int64(3)}}},
			left4me.FilesOverlay,
			"not known",
		},
		{"a script", Overlay{Kind: "Script", Script: "echo"}, left4me.ScriptOverlay, "look at its script"},
		{"a script without a kind", Overlay{Script: "echo"}, left4me.ScriptOverlay, "look at its script"},
		{"a script without text", Overlay{Kind: "script"}, left4me.FilesOverlay, "taken as one of files"},
		{
			"a script that is too long",
			Overlay{Kind: "script", Script: strings.Repeat("#", 300<<10)},
			left4me.FilesOverlay,
			"longer than 256 KiB",
		},
		{"uploads", Overlay{Kind: "external"}, left4me.FilesOverlay, ""},
		{"a hostile name", Overlay{Called: "\x1b[2J\xff" + strings.Repeat("x", 5000)}, left4me.FilesOverlay, ""},
	} {
		r := &reader{}
		c.v.Name = "o"
		d := r.defined(c.v).Definition
		if d.Name != "o" || d.Kind != c.kind || strings.Contains(d.Note, "\x1b") || !utf8.ValidString(d.Note) {
			t.Errorf("%s: %+v", c.name, d)
		}
		if said := strings.Join(r.Remarks, "\n"); !strings.Contains(said, c.remark) {
			t.Errorf("%s: %q", c.name, said)
		}
		if w := d.Workshop; w != nil && (len(w.Entries) != 2 || w.Entries[0].ID != "121086524" || w.Entries[1].ID != "4711000") {
			t.Errorf("%s: %+v", c.name, w)
		}
	}
}
