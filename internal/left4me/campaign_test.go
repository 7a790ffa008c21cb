package left4me_test

import (
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestPlacesOfMaps(t *testing.T) {
	places := left4me.PlacesOf(append(left4me.OfficialCampaigns(),
		left4me.Campaign{Title: "Newcomer Harbour", Modes: map[string][]left4me.Chapter{
			"coop": {
				{Number: 1, Map: "Harbour1", Title: "1: The Dock"},
				{Number: 2, Map: "harbour2", Title: "2. The Pier"},
				{Number: 3, Map: "harbour3", Title: "3"},
			},
			"survival": {{Number: 1, Map: "harbour2", Title: "The Pier"}},
		}},
		left4me.Campaign{
			Title: "loose.vpk", Modes: map[string][]left4me.Chapter{left4me.AnyMode: {{Number: 1, Map: "loose", Title: "loose"}}},
		},
	))
	for _, c := range []struct{ name, mode, want string }{
		{"c2m3_coaster", "coop", "Dark Carnival 3/5: The Coaster"},
		{"C2M3_Coaster", "mutation4", "Dark Carnival 3/5: The Coaster"},
		{"harbour1", "versus", "Newcomer Harbour 1/3: The Dock"},
		{"harbour2", "coop", "Newcomer Harbour 2/3: The Pier"},
		{"harbour2", "survival", "Newcomer Harbour 1/1: The Pier"},
		{"harbour3", "coop", "Newcomer Harbour 3/3: 3"},
		{"loose", "coop", ""},
		{"none", "coop", ""},
	} {
		if got := places.Of(c.name, c.mode).String(); got != c.want {
			t.Errorf("%s in %s: got %q, want %q", c.name, c.mode, got, c.want)
		}
	}
}
