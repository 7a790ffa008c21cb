package left4me

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// official are the campaigns that come with the game, with their chapters in order. The titles of the mission files are
// names of texts in the game's languages.
var official = []struct{ title, chapters string }{
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

// OfficialCampaigns returns the campaigns that come with the game, in their order, with the chapters of the mode coop. The
// caller may change them.
func OfficialCampaigns() []Campaign {
	all := make([]Campaign, len(official))
	for i, o := range official {
		var chapters []Chapter
		for k, m := range strings.Fields(o.chapters) {
			_, words, _ := strings.Cut(m, "_")
			chapters = append(chapters, Chapter{Number: k + 1, Map: m, Title: strings.ReplaceAll(words, "_", " ")})
		}
		all[i] = Campaign{ID: fmt.Sprintf("L4D2C%d", i+1), Title: o.title, Modes: map[string][]Chapter{"coop": chapters}}
	}
	return all
}

// FieldMap is the field of a request, and of an error, that holds the first map.
const FieldMap = "settings.map"

// AnyMode stands in Campaign.Modes for maps of which no mission says in which modes they can be played.
const AnyMode = ""

// HasMap reports whether one of the campaigns has a map.
func HasMap(all []Campaign, name string) bool {
	for _, c := range all {
		for _, chapters := range c.Modes {
			for _, ch := range chapters {
				if strings.EqualFold(ch.Map, name) {
					return true
				}
			}
		}
	}
	return false
}

// FirstMaps lists maps that a server could start with, for people: the first
// chapters, those of overlays first, at most so many, and how many maps there are
// besides. shown is empty when there is no campaign.
func FirstMaps(all []Campaign, most int) (shown string, more int) {
	seen := map[string]bool{}
	var first, later []string
	add := func(c Campaign) {
		for _, mode := range slices.Sorted(maps.Keys(c.Modes)) {
			for _, ch := range c.Modes[mode] {
				switch {
				case seen[ch.Map]:
				case ch.Number <= 1: // 0: no mission names it
					first = append(first, ch.Map)
				default:
					later = append(later, ch.Map)
				}
				seen[ch.Map] = true
			}
		}
	}
	for _, game := range []bool{false, true} {
		for _, c := range all {
			if (c.Overlay == "") == game {
				add(c)
			}
		}
	}
	both := slices.Concat(first, later)
	listed := both[:min(most, len(both))]
	return strings.Join(listed, ", "), len(seen) - len(listed)
}

// Campaign is a campaign as its mission file tells it.
type Campaign struct {
	ID          string               `json:"id"` // Name of the mission
	Title       string               `json:"title"`
	Author      string               `json:"author,omitempty"`
	Version     string               `json:"version,omitempty"`
	Description string               `json:"description,omitempty"`
	File        string               `json:"file,omitempty"`    // path of its add-on in the layer; empty: loose, or of the game
	Mission     string               `json:"mission,omitempty"` // path of the mission in it
	Overlay     Name                 `json:"overlay,omitempty"` // empty: of the game
	Image       string               `json:"image,omitempty"`   // path of a picture in File that browsers can show, or empty
	Modes       map[string][]Chapter `json:"modes"`
}

// Chapter is one map of a campaign.
type Chapter struct {
	Number int    `json:"number"`
	Map    string `json:"map"` // what map and changelevel take
	Title  string `json:"title"`
	Image  string `json:"image,omitempty"`
}
