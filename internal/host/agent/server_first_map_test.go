package agent

import (
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestStartWithMissingFirstMapListsMaps(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "SIM_STEAM_BUILD=1")
	d.do(left4me.InstallGame)
	d.publishRevision("maps", map[string]string{"left4dead2/maps/own_arena.bsp": "VBSP"})
	spec := left4me.Spec{
		Name:     "alpha",
		Port:     d.Port,
		Overlays: []left4me.OverlayRef{{Name: "maps"}},
		Settings: left4me.Settings{Map: "c99m1_nowhere"},
	}
	r := d.end(d.ask(left4me.StartServer, "alpha", spec))
	if r.State != left4me.JobFailed || r.Error == nil || r.Error.Field != "settings.map" ||
		r.Error.Text != "map load failed: c99m1_nowhere not found or invalid" {
		t.Fatalf("%s: got %+v", r.State, r.Error)
	}
	for _, want := range []string{"available maps: own_arena, c1m1_hotel, ", "c5m1_waterfront", " more (left4me server maps alpha"} {
		if !strings.Contains(r.Error.Hint, want) {
			t.Errorf("the hint lacks %q: %s", want, r.Error.Hint)
		}
	}
	if len(r.Error.Hint) > 500 {
		t.Errorf("the hint has %d bytes", len(r.Error.Hint))
	}
	if st := d.status("alpha"); st.State != left4me.Failed || !strings.Contains(st.Reason, "map load failed: c99m1_nowhere") {
		t.Errorf("status: %+v", st)
	}
	spec.Settings.Map = "own_arena"
	d.done(d.ask(left4me.StartServer, "alpha", spec))
}
