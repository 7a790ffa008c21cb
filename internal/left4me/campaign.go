package left4me

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// official lists the campaigns that come with the game, with their chapters in order: the map and the
// title. The titles in the game's own mission files are keys of localized texts and cannot be shown.
var official = []struct {
	title    string
	chapters [][2]string
}{
	{"Dead Center", [][2]string{
		{"c1m1_hotel", "The Hotel"}, {"c1m2_streets", "The Streets"}, {"c1m3_mall", "The Mall"}, {"c1m4_atrium", "The Atrium"},
	}},
	{"Dark Carnival", [][2]string{
		{"c2m1_highway", "The Highway"},
		{"c2m2_fairgrounds", "The Fairgrounds"},
		{"c2m3_coaster", "The Coaster"},
		{"c2m4_barns", "The Barns"},
		{"c2m5_concert", "The Concert"},
	}},
	{"Swamp Fever", [][2]string{
		{"c3m1_plankcountry", "Plank Country"},
		{"c3m2_swamp", "The Swamp"},
		{"c3m3_shantytown", "Shanty Town"},
		{"c3m4_plantation", "The Plantation"},
	}},
	{"Hard Rain", [][2]string{
		{"c4m1_milltown_a", "The Milltown"},
		{"c4m2_sugarmill_a", "The Sugar Mill"},
		{"c4m3_sugarmill_b", "Mill Escape"},
		{"c4m4_milltown_b", "Return to Town"},
		{"c4m5_milltown_escape", "Town Escape"},
	}},
	{"The Parish", [][2]string{
		{"c5m1_waterfront", "The Waterfront"},
		{"c5m2_park", "The Park"},
		{"c5m3_cemetery", "The Cemetery"},
		{"c5m4_quarter", "The Quarter"},
		{"c5m5_bridge", "The Bridge"},
	}},
	{"The Passing", [][2]string{
		{"c6m1_riverbank", "The Riverbank"}, {"c6m2_bedlam", "The Underground"}, {"c6m3_port", "The Port"},
	}},
	{"The Sacrifice", [][2]string{{"c7m1_docks", "The Docks"}, {"c7m2_barge", "The Barge"}, {"c7m3_port", "The Port"}}},
	{"No Mercy", [][2]string{
		{"c8m1_apartment", "The Apartments"},
		{"c8m2_subway", "The Subway"},
		{"c8m3_sewers", "The Sewer"},
		{"c8m4_interior", "The Hospital"},
		{"c8m5_rooftop", "Rooftop Finale"},
	}},
	{"Crash Course", [][2]string{{"c9m1_alleys", "The Alleys"}, {"c9m2_lots", "The Truck Depot Finale"}}},
	{"Death Toll", [][2]string{
		{"c10m1_caves", "The Turnpike"},
		{"c10m2_drainage", "The Drains"},
		{"c10m3_ranchhouse", "The Church"},
		{"c10m4_mainstreet", "The Town"},
		{"c10m5_houseboat", "Boathouse Finale"},
	}},
	{"Dead Air", [][2]string{
		{"c11m1_greenhouse", "The Greenhouse"},
		{"c11m2_offices", "The Crane"},
		{"c11m3_garage", "The Construction Site"},
		{"c11m4_terminal", "The Terminal"},
		{"c11m5_runway", "Runway Finale"},
	}},
	{"Blood Harvest", [][2]string{
		{"c12m1_hilltop", "The Woods"},
		{"c12m2_traintunnel", "The Tunnel"},
		{"c12m3_bridge", "The Bridge"},
		{"c12m4_barn", "The Train Station"},
		{"c12m5_cornfield", "Farmhouse Finale"},
	}},
	{"Cold Stream", [][2]string{
		{"c13m1_alpinecreek", "Alpine Creek"},
		{"c13m2_southpinestream", "South Pine Stream"},
		{"c13m3_memorialbridge", "Memorial Bridge"},
		{"c13m4_cutthroatcreek", "Cut-throat Creek"},
	}},
	{"The Last Stand", [][2]string{{"c14m1_junkyard", "The Junkyard"}, {"c14m2_lighthouse", "The Lighthouse"}}},
}

// OfficialCampaigns returns the campaigns that come with the game, in their order, with the
// chapters of the mode coop. The result is a copy that the caller may change.
func OfficialCampaigns() []Campaign {
	all := make([]Campaign, len(official))
	for i, o := range official {
		var chapters []Chapter
		for k, c := range o.chapters {
			chapters = append(chapters, Chapter{Number: k + 1, Map: c[0], Title: c[1]})
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

// baseMode returns the mode whose chapters a mode of the game uses, or "" for mutations and unknown modes,
// whose base is unknown.
func baseMode(mode string) string {
	switch mode {
	case "coop", "versus", "survival", "scavenge":
		return mode
	case "realism":
		return "coop"
	case "teamversus":
		return "versus"
	case "teamscavenge":
		return "scavenge"
	}
	return ""
}

// MapModes returns the modes of a map according to the mission files, sorted. It returns none if they
// don't tell: a map without a mission file, or the built-in list.
func MapModes(all []Campaign, name string) (modes []string) {
	for _, c := range all {
		for mode, chapters := range c.Modes {
			if !slices.ContainsFunc(chapters, func(ch Chapter) bool { return strings.EqualFold(ch.Map, name) }) {
				continue
			}
			if mode == AnyMode || c.Overlay == "" && c.Mission == "" {
				return nil
			}
			modes = append(modes, mode)
		}
	}
	slices.Sort(modes)
	return slices.Compact(modes)
}

// LacksMode reports whether a map is known not to have a mode of the game, and returns those that it
// has.
func LacksMode(all []Campaign, name, mode string) (has []string, lacks bool) {
	has = MapModes(all, name)
	base := baseMode(mode)
	return has, len(has) > 0 && base != "" && !slices.Contains(has, base) && !slices.Contains(has, mode)
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

// Place is the position of a map in its campaign. The zero Place is a map that belongs to no campaign.
type Place struct {
	Campaign string `json:"campaign"`
	Number   int    `json:"number"` // of the chapter, from 1
	Of       int    `json:"of"`     // number of chapters
	Chapter  string `json:"chapter"`
}

// String returns the place as text, such as "Newcomer Harbour 2/3: The Pier", or "" for the zero Place.
func (p Place) String() string {
	if p.Campaign == "" {
		return ""
	}
	return fmt.Sprintf("%s %d/%d: %s", p.Campaign, p.Number, p.Of, p.Chapter)
}

// Places finds the places of the maps of campaigns. It is immutable.
type Places struct {
	of map[string][]modePlace // places by map in lower case, the preferred one first
}

type modePlace struct {
	mode string
	Place
}

// PlacesOf returns the places of the maps of campaigns. If several campaigns contain a map, the first
// counts.
func PlacesOf(all []Campaign) Places {
	p := Places{of: map[string][]modePlace{}}
	for _, c := range all {
		modes := slices.Sorted(maps.Keys(c.Modes))
		slices.SortStableFunc(modes, func(a, b string) int { return -cmp.Compare(coopFirst(a), coopFirst(b)) })
		for _, mode := range modes {
			if mode == AnyMode {
				continue // maps without a mission file have no order
			}
			for _, ch := range c.Modes[mode] {
				place := Place{Campaign: c.Title, Number: ch.Number, Of: len(c.Modes[mode]), Chapter: chapterTitle(ch)}
				p.of[MapName(ch.Map)] = append(p.of[MapName(ch.Map)], modePlace{mode, place})
			}
		}
	}
	return p
}

func coopFirst(mode string) int {
	if mode == "coop" {
		return 1
	}
	return 0
}

// Of returns the place of a map in a mode. In a mode without the map, such as a mutation, it is the place
// in coop.
func (p Places) Of(name, mode string) Place {
	all := p.of[MapName(name)]
	for _, at := range all {
		if at.mode == mode {
			return at.Place
		}
	}
	if len(all) > 0 {
		return all[0].Place
	}
	return Place{}
}

// chapterTitle returns the title of a chapter without its number, with which many titles begin.
func chapterTitle(c Chapter) string {
	rest, ok := strings.CutPrefix(c.Title, strconv.Itoa(c.Number))
	if title := strings.TrimLeft(rest, ".:)- "); ok && title != "" && title != rest {
		return title
	}
	return c.Title
}
