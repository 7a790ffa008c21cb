package left4me

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// official lists the campaigns that come with the game, with their chapters in order. The titles in
// the game's own mission files are keys of localized texts and cannot be shown.
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

// OfficialCampaigns returns the campaigns that come with the game, in their order, with the
// chapters of the mode coop. The result is a copy that the caller may change.
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

// FieldMap is the name of the first map's field in requests and errors.
const FieldMap = "settings.map"

// AnyMode is the key in Campaign.Modes for maps whose modes no mission file lists.
const AnyMode = ""

// HasMap reports whether one of the campaigns has the map name, ignoring case.
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

// FirstMaps lists maps that a server could start with: first chapters come first, and overlays
// before the game. shown has at most most names, separated by commas; more is the number of further
// maps. shown is empty if there are no campaigns.
func FirstMaps(all []Campaign, most int) (shown string, more int) {
	seen := map[string]bool{}
	var first, later []string
	add := func(c Campaign) {
		for _, mode := range slices.Sorted(maps.Keys(c.Modes)) {
			for _, ch := range c.Modes[mode] {
				switch {
				case seen[ch.Map]:
				case ch.Number <= 1: // 0: no mission names the map
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

// Campaign is a campaign as its mission file describes it.
type Campaign struct {
	ID          string               `json:"id"` // key Name of the mission file
	Title       string               `json:"title"`
	Author      string               `json:"author,omitempty"`
	Version     string               `json:"version,omitempty"`
	Description string               `json:"description,omitempty"`
	File        string               `json:"file,omitempty"`    // path of its add-on in the layer; empty: loose files, or built-in
	Mission     string               `json:"mission,omitempty"` // path of the mission file within the add-on or the layer
	Overlay     Name                 `json:"overlay,omitempty"` // empty: built-in
	Image       string               `json:"image,omitempty"`   // path in File of a picture that browsers can show; may be empty
	Modes       map[string][]Chapter `json:"modes"`
}

// Chapter is one map of a campaign.
type Chapter struct {
	Number int    `json:"number"`
	Map    string `json:"map"` // argument for the commands map and changelevel
	Title  string `json:"title"`
	Image  string `json:"image,omitempty"`
}
