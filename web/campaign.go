package web

import "strings"

// campaigns are those that come with the game, with their chapters in order.
// Which maps an overlay brings is not known here; such a map is shown by its own
// name.
var campaigns = []struct {
	name     string
	chapters string
}{
	{"Dead Center", "c1m1_hotel c1m2_streets c1m3_mall c1m4_atrium"},
	{"Dark Carnival", "c2m1_highway c2m2_fairgrounds c2m3_coaster c2m4_barns c2m5_concert"},
	{"Swamp Fever", "c3m1_plankcountry c3m2_swamp c3m3_shantytown c3m4_plantation"},
	{"Hard Rain", "c4m1_milltown_a c4m2_sugarmill_a c4m3_sugarmill_b c4m4_milltown_b c4m5_milltown_escape"},
	{"The Parish", "c5m1_waterfront c5m2_park c5m3_cemetery c5m4_quarter c5m5_bridge"},
	{"The Passing", "c6m1_riverbank c6m2_bedlam c6m3_port"},
	{"The Sacrifice", "c7m1_docks c7m2_barge c7m3_port"},
	{"No Mercy", "c8m1_apartment c8m2_subway c8m3_sewers c8m4_interior c8m5_rooftop"},
	{"Crash Course", "c9m1_alleys c9m2_lots"},
	{"Death Toll", "c10m1_caves c10m2_drainage c10m3_ranchhouse c10m4_mainstreet c10m5_houseboat"},
	{"Dead Air", "c11m1_greenhouse c11m2_offices c11m3_garage c11m4_terminal c11m5_runway"},
	{"Blood Harvest", "c12m1_hilltop c12m2_traintunnel c12m3_bridge c12m4_barn c12m5_cornfield"},
	{"Cold Stream", "c13m1_alpinecreek c13m2_southpinestream c13m3_memorialbridge c13m4_cutthroatcreek"},
	{"The Last Stand", "c14m1_junkyard c14m2_lighthouse"},
}

// chapter is where a map stands in its campaign.
type chapter struct {
	Campaign string // empty: not a map that comes with the game
	Number   int    // from 1
	Of       int
	Map      string
}

// chapters is every map that comes with the game, in order.
var chapters = func() (all []chapter) {
	for _, c := range campaigns {
		maps := strings.Fields(c.chapters)
		for i, m := range maps {
			all = append(all, chapter{Campaign: c.name, Number: i + 1, Of: len(maps), Map: m})
		}
	}
	return all
}()

func chapterOf(m string) chapter {
	for _, c := range chapters {
		if c.Map == m {
			return c
		}
	}
	return chapter{Map: m}
}
