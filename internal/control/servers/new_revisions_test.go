package servers

import (
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestNewContentComparesOverlayRevisions(t *testing.T) {
	ref := func(s string) (refs []left4me.OverlayRef) {
		for _, v := range strings.Fields(s) {
			r, err := left4me.ParseOverlayRef(v)
			if err != nil {
				t.Fatal(err)
			}
			refs = append(refs, r)
		}
		return refs
	}
	current := map[left4me.Name]int{"maps": 3, "mods": 1}
	for _, c := range []struct {
		has, wants string
		want       []left4me.OverlayChange
	}{
		{"", "", nil},
		{"maps@3 mods@1", "maps mods", nil},
		{"maps@2", "maps", []left4me.OverlayChange{{Overlay: "maps", From: 2, To: 3}}},
		{"maps@2", "maps@2", nil},
		{"maps@3", "maps@2", []left4me.OverlayChange{{Overlay: "maps", From: 3, To: 2}}},
		{"", "mods", []left4me.OverlayChange{{Overlay: "mods", To: 1}}},
		{"mods@1", "", []left4me.OverlayChange{{Overlay: "mods", From: 1}}},
		{"", "gone", nil}, // the start reports the missing overlay
	} {
		if got := newContent(ref(c.has), ref(c.wants), current); !slices.Equal(got, c.want) {
			t.Errorf("%q for %q: %+v", c.has, c.wants, got)
		}
	}
}

func TestNewerReportOfRevisionsWins(t *testing.T) {
	l := newStatuses()
	asked := l.sequence()
	l.current("local", map[left4me.Name]int{"maps": 2}, l.sequence())
	l.current("local", map[left4me.Name]int{"maps": 1}, asked) // a delayed answer
	if r, ok := l.revisions("local"); !ok || r["maps"] != 2 {
		t.Errorf("got %v", r)
	}
}
