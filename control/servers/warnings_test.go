package servers_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/bus"
)

func TestNamesOfMapsAndModesAreKeptInLowerCase(t *testing.T) {
	s := newSite(t)
	v, err := s.Create(t.Context(), left4me.Server{Name: "alpha", Settings: left4me.Settings{Map: "C2M1_Highway", Mode: "Versus"}})
	if err != nil || v.Settings.Map != "c2m1_highway" || v.Settings.Mode != "versus" {
		t.Errorf("created: %+v, %v", v.Settings, err)
	}
	v, err = s.Update(t.Context(), "al", left4me.Server{Name: "alpha", Settings: left4me.Settings{Map: " C5M1_Waterfront ", Mode: "Coop"}})
	if err != nil || v.Settings.Map != "c5m1_waterfront" || v.Settings.Mode != "coop" {
		t.Errorf("changed: %+v, %v", v.Settings, err)
	}
	// As an older left4me kept it.
	old := left4me.Server{Name: "beta", Host: left4me.LocalHost, Port: 33002, Blueprint: left4me.DefaultBlueprint, Settings: left4me.Settings{Map: "C1M1_Hotel"}}
	if err := s.store.CreateServer(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if sp, _, err := s.Spec(t.Context(), "beta"); err != nil || sp.Settings.Map != "c1m1_hotel" {
		t.Errorf("it would start with %q, %v", sp.Settings.Map, err)
	}
}

func TestFirstMapThatIsNotThereIsWarnedOf(t *testing.T) {
	s := newSite(t)
	campaigns := append(left4me.OfficialCampaigns(), left4me.Campaign{
		ID: "P", Overlay: "maps", Modes: map[string][]left4me.Chapter{"coop": {{Number: 1, Map: "pn_m1"}}},
	})
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbCampaigns: func(data []byte) (any, error) {
			var r bus.StackRequest
			if err := json.Unmarshal(data, &r); err != nil {
				return nil, err
			}
			if len(r.Spec.Overlays) == 0 {
				return campaigns[:len(campaigns)-1], nil
			}
			return campaigns, nil
		},
	})
	maps := []left4me.OverlayRef{{Name: "maps"}}
	for i, c := range []struct {
		name  left4me.Name
		first string
		stack []left4me.OverlayRef
		warn  bool
	}{
		{"game", "c8m1_apartment", nil, false},
		{"default", "", nil, false},
		{"typo", "c8m1_apartement", nil, true},
		{"overlay", "PN_m1", maps, false},
	} {
		v, err := s.Create(t.Context(), left4me.Server{Name: c.name, Port: 34000 + i, Settings: left4me.Settings{Map: c.first}, Overlays: c.stack})
		if err != nil {
			t.Fatal(err)
		}
		for what, all := range map[string][]left4me.Warning{
			"server": s.Warnings(t.Context(), c.name), "definition": s.WarningsOf(t.Context(), left4me.Settings{Map: c.first}, c.stack),
		} {
			if len(all) > 0 != c.warn {
				t.Errorf("%s of %s: %+v", what, v.Name, all)
			}
			if c.warn && (all[0].Kind != left4me.WarnFirstMap || !strings.Contains(all[0].Text, c.first) || !strings.Contains(all[0].Hint, "there are c1m1_hotel, c2m1_highway, ")) {
				t.Errorf("%s of %s: %+v", what, v.Name, all)
			}
		}
	}
}

func TestHostThatIsNotThereIsNoWarning(t *testing.T) {
	s := newSite(t)
	if all := s.WarningsOf(t.Context(), left4me.Settings{Map: "nowhere"}, nil); len(all) > 0 {
		t.Errorf("%+v", all)
	}
}
